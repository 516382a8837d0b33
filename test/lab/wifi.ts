/**
 * Boxes find each other by radio: real daemons, hostapd, wpa_supplicant and iw over simulated radios, in an emulated machine
 * (harness/radio-guest.ts; harness/radio-network.ts has a drawing). First as access points and stations, with a hotspot for visitors, then
 * beside NetworkManager, then as an 802.11s mesh.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import type { RunContext, RunResult } from '../../scripts/run-contract.ts';
import { toHex } from '../../src/base/bytes.ts';
import { parseAddress } from '../../src/crypto/address.ts';
import { readScan } from '../../src/os/wifi/iw-text.ts';
import { WIFI_TABLE } from '../../src/os/wifi-firewall.ts';
import { wifiSsid } from '../../src/wire/wifi-element.ts';
import { fetchPage, takeDhcpLease } from './harness/clients.ts';
import type { Daemon } from './harness/daemon.ts';
import type { Host } from './harness/lab.ts';
import { isInRadioGuest, runInRadioGuest } from './harness/radio-guest.ts';
import { answers, EXIT_ADDRESS, RadioNetwork, SERVER_ADDRESS, SERVER_NAME } from './harness/radio-network.ts';
import { pidsIn } from './harness/sweep.ts';
import { until } from './harness/until.ts';

export const about =
  'boxes find each other by radio, as access points and stations, beside NetworkManager and as a mesh, and again when one was gone; visitors of a hotspot reach the internet and nothing else';
export const takes = '6 min';
export const gate = true;

const DEADLINE_MS = 120_000;
const HOTSPOT = { ssid: 'Free network', address: '192.168.43.1/24', rate: '512kbit' };
const HOTSPOT_KBITS = 512;
/** The burst that a client may have on top is a third of the file. */
const MOST_OVER_RATE = 1.6;

export async function run(context: RunContext): Promise<RunResult> {
  if (!isInRadioGuest()) return runInRadioGuest(context, 'wifi');
  const network = new RadioNetwork(context);
  await network.startServers();
  const wanted = (name: string): boolean => context.args.length === 0 || context.args.includes(name);
  const figures: Record<string, unknown> = {};
  for (const [name, steps] of Object.entries(CASES)) {
    if (!wanted(name)) continue;
    for (const step of steps) {
      figures[step.name] = await step(network);
      context.log(`${step.name}: ${JSON.stringify(figures[step.name])}`);
    }
    for (const box of network.boxes) await box.stop();
  }
  return { pass: true, ...figures };
}

/** Each begins with boxes that are switched off: `lab wifi mesh` runs one. */
const CASES = {
  boxes: [accessPointsAndStations, visitHotspot, threeInALine, accessPointBreaks],
  'network-manager': [besideNetworkManager],
  mesh: [meshOfTwo],
} as const;

async function accessPointsAndStations(network: RadioNetwork) {
  network.configure({ mode: 'access-point' }, { hotspot: HOTSPOT });
  const passed = launch(network);
  const heard = () => isHeard(network, network.gate.address);
  await until('the access point of gate in a scan', DEADLINE_MS, heard, network.tails);
  return { heardMs: passed(), ...(await comeTogether(network, passed)) };
}

/** Gate and home, as they are configured. Gives the ms since then. */
function launch({ gate, home }: RadioNetwork): () => number {
  home.loadFirewall();
  const startedMs = performance.now();
  gate.launch();
  home.launch();
  return () => Math.round(performance.now() - startedMs);
}

/** One after the other: whoever looks takes of the time in there. */
async function comeTogether(network: RadioNetwork, passed: () => number) {
  await network.linked(network.home, network.gate);
  const linkedMs = passed();
  await until('laptop online', DEADLINE_MS, () => answers(network.laptop, SERVER_ADDRESS), network.tails);
  return { linkedMs, onlineMs: passed() };
}

/** Whether a stranger's scan shows the access point of a box, with its address. */
function isHeard(network: RadioNetwork, address: string): boolean {
  const [visitor] = network.visitors;
  visitor.setLink('wlan3', 'up');
  const boxes = readScan(visitor.run('iw', 'dev', 'wlan3', 'scan', '-u', 'freq', '2412', '2437', '2462'));
  return boxes.some(({ hash }) => hash !== undefined && toHex(hash) === toHex(parseAddress(address)!));
}

/** Two strangers in the hotspot of home. */
async function visitHotspot(network: RadioNetwork) {
  const { visitors, home, laptop } = network;
  const wrong: string[] = [];
  const check = (right: boolean, what: string): void => {
    if (!right) wrong.push(what);
  };
  const addresses: string[] = [];
  for (const [index, visitor] of visitors.entries())
    addresses.push(await enterHotspot(network, visitor, `wlan${3 + index}`));
  const [first] = visitors;
  check(
    addresses.every((address) => address.startsWith('192.168.43.')),
    `addresses ${addresses.join(' ')}`,
  );
  const page = fetchPage(first, `http://${SERVER_NAME}/`, 20);
  check(page.includes(`Hello ${EXIT_ADDRESS}`), `the internet sees a visitor as: ${page}`);
  check(!(await answers(first, '192.168.42.250')), 'a visitor reaches the laptop');
  check(!(await answers(first, '192.168.42.1')), 'a visitor reaches the box at its address in the LAN');
  check(!(await answers(first, addresses[1])), 'a visitor reaches another visitor');
  check(await answers(first, '192.168.43.1'), 'the box does not answer a visitor');
  check(!(await answers(laptop, addresses[0])), 'the laptop reaches a visitor');
  const kbits = downloadKbits(first);
  check(kbits <= MOST_OVER_RATE * HOTSPOT_KBITS, `a visitor gets ${kbits} kb/s`);
  const laptopKbits = downloadKbits(laptop);
  await home.kill();
  check(!(await answers(first, SERVER_ADDRESS)), 'a visitor reaches the internet without the daemon');
  for (const [index, visitor] of visitors.entries()) visitor.setLink(`wlan${3 + index}`, 'down');
  home.launch();
  await until('laptop online again', DEADLINE_MS, () => answers(laptop, SERVER_ADDRESS), network.tails);
  if (wrong.length > 0) throw new Error(`the hotspot: ${wrong.join('; ')}`);
  return { kbits, laptopKbits };
}

/** Joins the open network as a telephone does, which tries again when it is put out, and takes a lease; returns the address. */
async function enterHotspot(network: RadioNetwork, visitor: Host, device: string): Promise<string> {
  const config = network.lab.file(`${device}.conf`);
  writeFileSync(config, `network={\n  ssid="${HOTSPOT.ssid}"\n  key_mgmt=NONE\n}\n`);
  let isIn = false;
  const supplicant = visitor.start('supplicant', 'wpa_supplicant', ['-i', device, '-c', config], (line) => {
    isIn ||= line.includes('CTRL-EVENT-CONNECTED');
  });
  await until(
    `${visitor.name} in the hotspot`,
    DEADLINE_MS,
    () => isIn,
    () => supplicant.tail(),
  );
  try {
    return await takeDhcpLease(visitor, device);
  } catch (error) {
    throw new Error(`${error instanceof Error ? error.message : error}\n${supplicant.tail()}\n${network.tails()}`);
  }
}

function downloadKbits(host: Host): number {
  const write = '%{size_download} %{time_total}';
  const url = `http://${SERVER_ADDRESS}/file`;
  const [bytes, seconds] = host.run('curl', '-sS', '--max-time', '60', '-o', '/dev/null', '-w', write, url).split(' ');
  return Math.round((Number(bytes) * 8) / Number(seconds) / 1000);
}

/** attic hears home alone, and home hears both: two neighbours for home, and a way from attic to gate over it. */
async function threeInALine(network: RadioNetwork) {
  const { gate, home, attic } = network;
  network.hear({ gate: 1, home: 3, attic: 2 });
  attic.launch();
  const thirdLinkedMs = await network.linked(attic, home);
  await network.linked(gate, home);
  const reaches = async (): Promise<boolean> => {
    const { rtts_ms: trips } = await attic.ask('ping', { key: gate.key, count: 1 });
    return trips.some((ms) => ms !== null);
  };
  await until('attic reaches gate over home', DEADLINE_MS, reaches, network.tails);
  return { thirdLinkedMs };
}

/** hostapd of the box that another one is in is killed: the station is out, the access point comes back, and so does the link. */
async function accessPointBreaks(network: RadioNetwork) {
  const { gate, home, laptop } = network;
  const owner = (await joinedBy(home)).includes(ssidOf(gate)) ? gate : home;
  const joiner = owner === gate ? home : gate;
  const startedMs = performance.now();
  process.kill(programIn(owner.host, 'hostapd'), 'SIGKILL');
  const isOut = async (): Promise<boolean> => !(await joinedBy(joiner)).includes(ssidOf(owner));
  await until('the station is out', DEADLINE_MS, isOut, network.tails);
  const outMs = Math.round(performance.now() - startedMs);
  const isIn = async (): Promise<boolean> => !(await isOut()) || (await joinedBy(owner)).includes(ssidOf(joiner));
  await until('the station is in again', DEADLINE_MS, isIn, network.tails);
  await until('laptop online again', DEADLINE_MS, () => answers(laptop, SERVER_ADDRESS), network.tails);
  return { outMs, backMs: Math.round(performance.now() - startedMs) };
}

async function joinedBy(box: Daemon): Promise<string[]> {
  const { wifi } = await box.ask('status', {});
  return wifi?.radios.flatMap(({ joined }) => joined) ?? [];
}

function ssidOf(box: Daemon): string {
  return wifiSsid(parseAddress(box.address)!);
}

function programIn(host: Host, name: string): number {
  const pid = pidsIn(host.namespace).find((each) => readFileSync(`/proc/${each}/comm`, 'utf8').trim() === name);
  if (pid === undefined) throw new Error(`${name} does not run on ${host.name}`);
  return pid;
}

/** NetworkManager has the radio of attic: its owner's networks come first, and while there is none it is a station of home. */
async function besideNetworkManager(network: RadioNetwork) {
  const { home, attic } = network;
  network.configure({}, { hotspot: HOTSPOT, wifi: { country: 'DE', mode: 'access-point' } });
  network.hear({ home: 3, attic: 2 });
  await network.startNetworkManager(attic.host);
  home.loadFirewall();
  home.launch();
  attic.launch();
  const linkedMs = await network.linked(attic, home);
  const guarded = (): boolean => attic.host.run('nft', 'list', 'set', 'inet', WIFI_TABLE, 'lent').includes('"wlan2"');
  if (!guarded()) throw new Error('attic is open to whoever is in the network of home');
  attic.host.run('nmcli', '--wait', '60', 'device', 'wifi', 'connect', HOTSPOT.ssid);
  await until('attic lets the radio go', DEADLINE_MS, async () => (await joinedBy(attic)).length === 0, network.tails);
  if (!(await answers(attic.host, '192.168.43.1'))) throw new Error('its owner is not in the network that he chose');
  if (guarded()) throw new Error('rules for boxes hold in the network of its owner');
  attic.host.run('nmcli', 'connection', 'down', HOTSPOT.ssid);
  const isBack = async (): Promise<boolean> => (await joinedBy(attic)).includes(ssidOf(home));
  await until('attic is in the network of home again', DEADLINE_MS, isBack, network.tails);
  return { linkedMs };
}

async function meshOfTwo(network: RadioNetwork) {
  const { home } = network;
  network.configure({ mode: 'mesh' });
  network.hear({ gate: 1, home: 1 });
  const up = await comeTogether(network, launch(network));
  const hasMember = async (): Promise<boolean> => (await home.ask('status', {})).wifi?.radios[0]?.mesh_members === 1;
  await until('home counts a member of the mesh', DEADLINE_MS, hasMember, network.tails);
  return up;
}
