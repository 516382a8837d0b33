import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { countMeshMembers, readCapabilities, readRadioNames, readScan } from '../../../../src/os/wifi/iw-text.ts';
import { encodeWifiElement } from '../../../../src/wire/wifi-element.ts';
import { PI_RADIO, SCAN, SIMULATED_RADIO, STATIONS } from './iw-samples.ts';

describe('what a radio can do', () => {
  test('a simulated one can be everything at once', () => {
    expect(readCapabilities(SIMULATED_RADIO)).toEqual({
      mesh: true,
      accessPoint: true,
      accessPointBesideMesh: true,
      stationsBesideAccessPoint: 2047,
      frequenciesMhz: [2412, 2437, 5180],
    });
  });

  test("a Raspberry Pi's is an access point with one station", () => {
    expect(readCapabilities(PI_RADIO)).toEqual({
      mesh: false,
      accessPoint: true,
      accessPointBesideMesh: false,
      stationsBesideAccessPoint: 1,
      frequenciesMhz: [2412, 2437],
    });
  });

  test('one that says nothing of combinations is one thing at a time', () => {
    const can = readCapabilities(PI_RADIO.split('\tvalid interface')[0]);
    expect(can.stationsBesideAccessPoint).toBe(0);
    expect(can.accessPoint).toBe(true);
  });

  test('radios are found by name', () => {
    expect(readRadioNames(`${SIMULATED_RADIO}Wiphy mywifi\n`)).toEqual(['phy0', 'mywifi']);
  });
});

describe('a scan', () => {
  test('shows boxes with their addresses, members of the mesh, and nobody else', () => {
    const hash = Uint8Array.from({ length: 20 }, (_, index) => index);
    expect(readScan(SCAN)).toEqual([
      { hash, ssid: 'skywire-00010203', bssid: '02:aa:bb:cc:dd:01', frequencyMhz: 2437, signalDbm: -30 },
      { hash: undefined, ssid: '', bssid: '02:00:00:00:00:00', frequencyMhz: 5180, signalDbm: -40 },
    ]);
  });

  test('of a crowded place gives 64 boxes', () => {
    expect(readScan(SCAN.repeat(100))).toHaveLength(64);
  });

  test('gives what an element says, whatever its bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 20, maxLength: 20 }), (hash) => {
        const data = [...encodeWifiElement(hash).subarray(5)].map((byte) => byte.toString(16).padStart(2, '0'));
        const text = `BSS 02:00:00:00:00:01(on x)\n\tfreq: 2412\n\tVendor specific: OUI 52:4b:59, data: ${data.join(' ')}\n`;
        expect(readScan(text)[0].hash).toEqual(hash);
      }),
    );
  });

  test('that is cut or spoilt anywhere is read as far as it goes', () => {
    fc.assert(
      fc.property(fc.nat(SCAN.length), fc.nat(SCAN.length), fc.string(), (from, to, junk) => {
        const spoilt = SCAN.slice(0, Math.min(from, to)) + junk + SCAN.slice(Math.max(from, to));
        for (const { hash, bssid, frequencyMhz } of readScan(spoilt)) {
          expect(bssid).toMatch(/^[0-9a-f:]{17}$/);
          expect(frequencyMhz).toBeGreaterThanOrEqual(0);
          expect(hash === undefined || hash.length === 20).toBe(true);
        }
      }),
    );
  });
});

test('members of the mesh are those with whom a peering stands', () => {
  expect(countMeshMembers(STATIONS)).toBe(1);
  expect(countMeshMembers('')).toBe(0);
});
