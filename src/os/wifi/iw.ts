/** Radios and their interfaces through `iw`. */
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Failure } from '../../base/failure.ts';
import type { HeardBox, RadioCapabilities } from '../../radio/radio.ts';
import { WIFI_MESH_ID } from '../../wire/wifi-element.ts';
import { runTool } from '../command.ts';
import { countMeshMembers, readCapabilities, readRadioNames, readScan } from './iw-text.ts';

export type InterfaceKind = 'access-point' | 'mesh' | 'station';
const KINDS: Readonly<Record<InterfaceKind, string>> = { 'access-point': '__ap', mesh: 'mp', station: 'managed' };

/** Of 1.024 ms. As hostapd has it: most radios have one rhythm for all that calls, and left to itself a mesh point calls once a second. */
const BEACON_INTERVAL_TU = 100;

const MOST_COUNTRY_LOOKS = 20;
const COUNTRY_LOOK_MS = 100;

/** @throws Failure system-tool (iw is missing), as all of these */
export async function listRadios(): Promise<string[]> {
  return readRadioNames(await runTool('iw', ['phy']));
}

export async function capabilitiesOf(radio: string): Promise<RadioCapabilities> {
  return readCapabilities(await runTool('iw', ['phy', radio, 'info']));
}

/**
 * The kernel holds one country for all radios of the machine, and takes a new one a little later than it was told.
 * @param country two capitals of ISO 3166-1
 */
export async function setCountry(country: string): Promise<void> {
  await runTool('iw', ['reg', 'set', country]);
  for (let look = 0; look < MOST_COUNTRY_LOOKS; look++) {
    if (new RegExp(`^country ${country}:`, 'm').test(await runTool('iw', ['reg', 'get']))) return;
    await sleep(COUNTRY_LOOK_MS);
  }
  const remedy = 'Install its rules: apt-get install wireless-regdb; or correct [wifi] country';
  throw new Failure('system-tool', `the kernel does not know the radio rules of ${country}`, remedy);
}

/** Interfaces of a radio, as the kernel names them. */
export async function interfacesOf(radio: string): Promise<string[]> {
  const number = /wiphy index: (\d+)/.exec(await runTool('iw', ['phy', radio, 'info']))?.[1];
  const blocks = (await runTool('iw', ['dev'])).split(/^(?=phy#)/m);
  const own = blocks.find((block) => block.startsWith(`phy#${number}\n`)) ?? '';
  return [...own.matchAll(/^\tInterface (\S+)$/gm)].map(([, name]) => name);
}

/**
 * A new interface with a random address of its own, down. Where the driver does not take the address it keeps the driver's: of several
 * interfaces the kernel then lets one up, and the next step says so.
 */
export async function addInterface(radio: string, name: string, kind: InterfaceKind): Promise<void> {
  await runTool('iw', ['phy', radio, 'interface', 'add', name, 'type', KINDS[kind]]);
  try {
    await runTool('ip', ['link', 'set', 'dev', name, 'address', randomMac()]);
  } catch (error) {
    if (!(error instanceof Failure) || error.code !== 'system-tool') throw error;
  }
}

export async function removeInterface(name: string): Promise<void> {
  await runTool('iw', ['dev', name, 'del']);
}

export async function setUp(name: string, up: boolean): Promise<void> {
  await runTool('ip', ['link', 'set', 'dev', name, up ? 'up' : 'down']);
}

/** Looks for boxes; takes about 50 ms a frequency, in which the radio hears nobody else. */
export async function scan(name: string, frequenciesMhz: readonly number[]): Promise<HeardBox[]> {
  return readScan(await runTool('iw', ['dev', name, 'scan', '-u', 'freq', ...frequenciesMhz.map(String)]));
}

export async function joinMesh(name: string, frequencyMhz: number): Promise<void> {
  const rhythm = ['beacon-interval', String(BEACON_INTERVAL_TU)];
  await runTool('iw', ['dev', name, 'mesh', 'join', WIFI_MESH_ID, 'freq', String(frequencyMhz), 'HT20', ...rhythm]);
}

export async function leaveMesh(name: string): Promise<void> {
  await runTool('iw', ['dev', name, 'mesh', 'leave']);
}

export async function meshMembers(name: string): Promise<number> {
  return countMeshMembers(await runTool('iw', ['dev', name, 'station', 'dump']));
}

/** Locally administered, of one station (IEEE 802 section 8.2). */
function randomMac(): string {
  const bytes = randomBytes(6);
  bytes[0] = (bytes[0] & 0xfc) | 0x02;
  return bytes.toString('hex').replace(/..(?!$)/g, '$&:');
}
