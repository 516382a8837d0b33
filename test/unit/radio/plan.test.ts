import { expect, test } from 'vitest';
import { inOrderOfPreference, planManagedRadio, planRadio } from '../../../src/radio/plan.ts';
import type { RadioCapabilities } from '../../../src/radio/radio.ts';

const EVERYTHING: RadioCapabilities = {
  mesh: true,
  accessPoint: true,
  accessPointBesideMesh: true,
  stationsBesideAccessPoint: 2048,
  frequenciesMhz: [2412, 2437],
};

test('a radio that can becomes a mesh point, with an access point for boxes that can not', () => {
  expect(planRadio(EVERYTHING, 'auto')).toEqual({ mesh: true, accessPoint: true, stations: 0 });
  expect(planRadio({ ...EVERYTHING, accessPointBesideMesh: false }, 'auto')).toEqual({
    mesh: true,
    accessPoint: false,
    stations: 0,
  });
});

test('without a mesh, or when told so, it is an access point with as many stations as it can, up to two', () => {
  const plan = { mesh: false, accessPoint: true, stations: 2 };
  expect(planRadio({ ...EVERYTHING, mesh: false }, 'auto')).toEqual(plan);
  expect(planRadio(EVERYTHING, 'access-point')).toEqual(plan);
  expect(planRadio({ ...EVERYTHING, mesh: false, stationsBesideAccessPoint: 0 }, 'auto')).toEqual({
    ...plan,
    stations: 0,
  });
});

test('a radio that can not be what it was told to be, or may send nowhere, is left alone', () => {
  expect(planRadio({ ...EVERYTHING, mesh: false }, 'mesh')).toBeUndefined();
  expect(planRadio({ ...EVERYTHING, accessPoint: false }, 'access-point')).toBeUndefined();
  expect(planRadio({ ...EVERYTHING, frequenciesMhz: [] }, 'auto')).toBeUndefined();
});

test('a radio that NetworkManager has is one station, or what its owner asked for is refused', () => {
  expect(planManagedRadio(EVERYTHING, 'auto')).toEqual({ mesh: false, accessPoint: false, stations: 1 });
  expect(planManagedRadio(EVERYTHING, 'mesh')).toBeUndefined();
  expect(planManagedRadio(EVERYTHING, 'access-point')).toBeUndefined();
  expect(planManagedRadio({ ...EVERYTHING, frequenciesMhz: [] }, 'auto')).toBeUndefined();
});

test('everybody prefers the same frequencies in the same order', () => {
  expect(inOrderOfPreference([2412, 2417, 2437, 5180])).toEqual([2437, 2412, 5180, 2417]);
  expect(inOrderOfPreference([5180, 5240])).toEqual([5180, 5240]);
});
