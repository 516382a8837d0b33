/** What `iw` prints, read. It is made for people: only lines whose form has stood for years are looked at, everything else is skipped. */
import { fromHex, toHex } from '../../base/bytes.ts';
import type { HeardBox, RadioCapabilities } from '../../radio/radio.ts';
import { parseWifiElement, WIFI_ELEMENT_OUI, WIFI_MESH_ID } from '../../wire/wifi-element.ts';

/** Of more in one scan, the first count. */
const MOST_HEARD = 64;
/** 2.4 and 5 GHz. On 6 GHz an open network is not allowed; below, radios have no access points. MHz. */
const isUsableBand = (mhz: number): boolean => (mhz >= 2400 && mhz < 2500) || (mhz >= 5150 && mhz < 5900);

/** Names of the radios in what `iw phy` prints. */
export function readRadioNames(text: string): string[] {
  return [...text.matchAll(/^Wiphy (\S+)$/gm)].map(([, name]) => name);
}

/** What `iw phy NAME info` says that the radio can do. */
export function readCapabilities(text: string): RadioCapabilities {
  const modes = section(text, 'Supported interface modes:').map((line) => line.replace(/^\* /, ''));
  const combinations = section(text, 'valid interface combinations:').join(' ').split('* ').map(readCombination);
  const beside = (kind: string): number => Math.max(...combinations.map((one) => besideAccessPoint(one, kind)));
  return {
    mesh: modes.includes('mesh point'),
    accessPoint: modes.includes('AP'),
    accessPointBesideMesh: beside('mesh point') > 0,
    stationsBesideAccessPoint: beside('managed'),
    frequenciesMhz: readFrequencies(text),
  };
}

/** The frequencies of `iw phy NAME info` where the radio may send without having heard somebody, or watched for radar. */
function readFrequencies(text: string): number[] {
  const found: number[] = [];
  for (const [, mhz, , remarks] of text.matchAll(/^\t+\* (\d+)(\.\d+)? MHz \[-?\d+\] (.*)$/gm)) {
    const isFree = !/disabled|no IR|radar/i.test(remarks);
    if (isFree && isUsableBand(Number(mhz)) && !found.includes(Number(mhz))) found.push(Number(mhz));
  }
  return found;
}

/** Trimmed lines below a heading: those that are indented further than it. */
function section(text: string, heading: string): string[] {
  const lines = text.split('\n');
  const start = lines.findIndex((line) => line.trim() === heading);
  if (start < 0) return [];
  const depth = indentOf(lines[start]);
  const end = lines.findIndex((line, index) => index > start && indentOf(line) <= depth);
  return lines.slice(start + 1, end < 0 ? undefined : end).map((line) => line.trim());
}

function indentOf(line: string): number {
  return line.length - line.trimStart().length;
}

/** Kinds of interfaces that a radio may have at the same time, as limits of groups of kinds. */
interface Combination {
  readonly limits: readonly { readonly kinds: readonly string[]; readonly most: number }[];
  readonly total: number;
}

/** `#{ managed } <= 1, #{ AP, mesh point } <= 2, total <= 3, #channels <= 1`. */
function readCombination(text: string): Combination {
  const limits = [...text.matchAll(/#\{ ([^}]*) \} <= (\d+)/g)].map(([, kinds, most]) => ({
    kinds: kinds.split(', '),
    most: Number(most),
  }));
  return { limits, total: Number(/total <= (\d+)/.exec(text)?.[1] ?? 0) };
}

/** How many interfaces of a kind may be there beside one access point. */
function besideAccessPoint({ limits, total }: Combination, kind: string): number {
  const own = limits.find(({ kinds, most }) => kinds.includes('AP') && most > 0);
  if (own === undefined) return 0;
  const room = limits.map((limit) => {
    if (!limit.kinds.includes(kind)) return 0;
    return limit === own ? limit.most - 1 : limit.most;
  });
  return Math.max(0, Math.min(total - 1, Math.max(0, ...room)));
}

/** The boxes in what `iw dev NAME scan -u` prints: access points with our element, and members of our mesh. */
export function readScan(text: string): HeardBox[] {
  const found: HeardBox[] = [];
  for (const block of text.split(/^(?=BSS )/m)) {
    const box = readBox(block);
    if (box !== undefined && found.length < MOST_HEARD) found.push(box);
  }
  return found;
}

const VENDOR_LINE = /^\tVendor specific: OUI ([0-9a-f:]{8}), data:((?: [0-9a-f]{2})*)/gm;
const OUR_OUI = toHex(WIFI_ELEMENT_OUI);

function readBox(block: string): HeardBox | undefined {
  const bssid = /^BSS ([0-9a-f:]{17})/.exec(block)?.[1];
  const frequency = /^\tfreq: (\d+)/m.exec(block)?.[1];
  if (bssid === undefined || frequency === undefined) return undefined;
  const ssid = /^\tSSID: (.*)$/m.exec(block)?.[1] ?? '';
  const signalDbm = Number(/^\tsignal: (-?[\d.]+) dBm/m.exec(block)?.[1] ?? Number.NEGATIVE_INFINITY);
  const heard = { ssid, bssid, frequencyMhz: Number(frequency), signalDbm };
  if (/^\tMESH ID: (.*)$/m.exec(block)?.[1] === WIFI_MESH_ID) return { ...heard, hash: undefined };
  for (const [, oui, data] of block.matchAll(VENDOR_LINE)) {
    if (oui.replaceAll(':', '') !== OUR_OUI) continue;
    const hash = parseWifiElement(fromHex(data.replaceAll(' ', ''))!);
    if (hash !== undefined) return { ...heard, hash };
  }
  return undefined;
}

/** Direct neighbours in the mesh, in what `iw dev NAME station dump` prints. */
export function countMeshMembers(text: string): number {
  return text.match(/^\tmesh plink:\s*ESTAB$/gm)?.length ?? 0;
}
