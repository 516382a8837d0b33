/** What a radio becomes, by what it can do and what its owner asked for. */
import type { RadioMode } from '../control/config-schema.ts';
import type { RadioCapabilities } from './radio.ts';

/** Neighbours that a radio joins by itself; others may join it. More than two share the air without reaching anybody new. */
const MOST_STATIONS = 2;

export interface RadioPlan {
  readonly mesh: boolean;
  readonly accessPoint: boolean;
  readonly stations: number;
}

/**
 * A mesh, with an access point for boxes that can't join one; else an access point and stations. undefined: the radio can't be what is asked for.
 * Nobody chooses to be a station without an access point: two such boxes would never meet.
 */
export function planRadio(can: RadioCapabilities, mode: RadioMode): RadioPlan | undefined {
  if (can.frequenciesMhz.length === 0) return undefined;
  if (mode !== 'access-point' && can.mesh) {
    return { mesh: true, accessPoint: can.accessPoint && can.accessPointBesideMesh, stations: 0 };
  }
  if (mode === 'mesh' || !can.accessPoint) return undefined;
  return { mesh: false, accessPoint: true, stations: Math.min(can.stationsBesideAccessPoint, MOST_STATIONS) };
}

/**
 * A radio that NetworkManager has: one station, which joins boxes that are access points. undefined: its owner asked for something else, and
 * has to tell NetworkManager to leave it alone.
 */
export function planManagedRadio(can: RadioCapabilities, mode: RadioMode): RadioPlan | undefined {
  if (can.frequenciesMhz.length === 0 || mode !== 'auto') return undefined;
  return { mesh: false, accessPoint: false, stations: 1 };
}

/**
 * Frequencies (MHz) in the order in which boxes prefer them, the same everywhere, so that boxes meet without looking for each other: 2.4 GHz
 * reaches furthest and every radio has it; of it the channels that do not overlap; then 5 GHz.
 */
const PREFERRED_MHZ = [2437, 2412, 2462, 5180, 5200, 5220, 5240, 5745, 5765, 5785, 5805];

/** The frequencies that a radio may use, the most preferred first. */
export function inOrderOfPreference(frequenciesMhz: readonly number[]): number[] {
  const preferred = PREFERRED_MHZ.filter((mhz) => frequenciesMhz.includes(mhz));
  return [...preferred, ...frequenciesMhz.filter((mhz) => !PREFERRED_MHZ.includes(mhz))];
}
