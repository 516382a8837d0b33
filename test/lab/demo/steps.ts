/** The steps of the demo: each does one thing as a person would, says in plain words what happened, and returns its figures. */
import { fetchPage, RunningDownload, resolveName, takeDhcpLease } from '../harness/clients.ts';
import { type DemoNetwork, DNS_ADDRESS, WEB_ADDRESS, WEB_NAME } from '../harness/demo-topology.ts';
import { ToolError } from '../harness/lab.ts';
import { giveLaptopIpv6, makeNoise } from '../harness/laptop-noise.ts';
import { LeakWatch, nothingLeaked } from '../harness/leak-watch.ts';
import { until } from '../harness/until.ts';
import type { Narrator } from './narrator.ts';
import { payloadShare } from './overhead.ts';
import { RouteMeter } from './route-meter.ts';

export interface Demo {
  readonly network: DemoNetwork;
  readonly narrator: Narrator;
  /** Of each modem. */
  readonly rateMbit: number;
}

/** Figures of a step. Every boolean in it is a verdict: the demo passes when all are true. */
export type StepFigures = Readonly<Record<string, number | string | boolean | readonly string[]>>;

const FILE_URL = `http://${WEB_NAME}/file`;
/** Of what both wires leave for payload (overhead.ts). */
const LEAST_SHARE = 0.9;
const LONGEST_STALL_MS = 1_000;
const ANSWER_DEADLINE_MS = 5_000;
const QUESTION_DEADLINE_MS = 2_000;
const REJOIN_DEADLINE_MS = 60_000;
const PROGRESS_DEADLINE_MS = 60_000;
/** Both modems must carry at least this before a route counts as in use again. */
const REJOINED_MEGABYTES = 4;

const round = (value: number, digits = 1) => Number(value.toFixed(digits));

async function timed<T>(action: () => T | Promise<T>): Promise<{ value: T; ms: number }> {
  const startedMs = performance.now();
  const value = await action();
  return { value, ms: Math.round(performance.now() - startedMs) };
}

export async function plugInLaptop({ network, narrator }: Demo): Promise<StepFigures> {
  narrator.heading('The laptop is plugged in and asks for an address (DHCP).');
  const { value: address, ms } = await timed(() => takeDhcpLease(network.laptop, 'eth0'));
  const right = address.startsWith('192.168.42.');
  narrator.verdict(right, `The miner gave it ${address} after ${ms} ms.`);
  return { address, ms, right };
}

export async function resolve({ network, narrator }: Demo): Promise<StepFigures> {
  narrator.heading(`It looks up ${WEB_NAME}. The question goes through the tunnel to the gateway's resolver.`);
  const { value: address, ms } = await timed(() => resolveName(network.laptop, WEB_NAME));
  const asked = () => network.internet.questions.find((question) => question.dns === WEB_NAME);
  await until('the DNS server being asked', ANSWER_DEADLINE_MS, asked);
  // The resolver tells of the question on its standard output, which may be read after the answer came.
  const { questions } = network.internet;
  await until('the question at the resolver', QUESTION_DEADLINE_MS, () => questions.length > 0);
  const askers = [...new Set(questions.map((question) => question.from))];
  const right = address === WEB_ADDRESS && askers.length === 1 && askers[0] === '203.0.113.2';
  narrator.verdict(
    right,
    `${WEB_NAME} is ${address} (${ms} ms); ${DNS_ADDRESS} was asked by ${askers.join(', ')}, the gateway.`,
  );
  return { address, ms, askers, right };
}

export async function openPage({ network, narrator }: Demo): Promise<StepFigures> {
  narrator.heading('It opens a page.');
  const { value: page, ms } = await timed(() => fetchPage(network.laptop, `http://${WEB_NAME}/`));
  const right = page.includes('203.0.113.2') && page.includes(WEB_NAME);
  narrator.verdict(right, `The web server says: ${page.trim()} (${ms} ms). It sees the gateway, not the laptop.`);
  return { ms, page: page.trim(), right };
}

/** Starts the download and keeps the progress line going. */
function startDownload(demo: Demo): { download: RunningDownload; meter: RouteMeter } {
  const { network, narrator } = demo;
  const meter = new RouteMeter(network);
  const download = new RunningDownload(network.laptop, FILE_URL, (bytes) => {
    const mbit = meter.rates();
    const percent = Math.round((100 * bytes) / network.internet.fileBytes);
    const [a, b] = mbit.map((rate) => rate.toFixed(1).padStart(5));
    const sum = (mbit[0] + mbit[1]).toFixed(1).padStart(5);
    narrator.progress(`${String(percent).padStart(3)} %   route A ${a} + route B ${b} = ${sum} Mb/s on the wire`);
  });
  return { download, meter };
}

export async function downloadOverBoth(demo: Demo): Promise<StepFigures> {
  const { network, narrator, rateMbit } = demo;
  narrator.heading(
    `It downloads ${network.internet.fileBytes / 1e6} MB: one TCP connection over both modems of ${rateMbit} Mb/s.`,
  );
  const { download, meter } = startDownload(demo);
  const done = await download.finished;
  const [megabytesA, megabytesB] = meter.total();
  const mbit = (done.bytes * 8) / done.ms / 1000;
  const idealMbit = 2 * rateMbit * payloadShare(tunnelMtu(network));
  const share = mbit / idealMbit;
  const complete = done.sha256 === network.internet.sha256;
  const fastEnough = share >= LEAST_SHARE;
  narrator.verdict(complete, `All ${done.bytes} bytes came, and the checksum is right.`);
  narrator.verdict(
    fastEnough,
    `${mbit.toFixed(1)} Mb/s of payload: ${Math.round(100 * share)} % of the ${idealMbit.toFixed(1)} Mb/s that both wires together ` +
      `leave for payload (route A brought ${megabytesA.toFixed(0)} MB, route B ${megabytesB.toFixed(0)} MB).`,
  );
  return {
    mbit: round(mbit),
    idealMbit: round(idealMbit),
    share: round(share, 3),
    megabytesA: round(megabytesA),
    megabytesB: round(megabytesB),
    longestStallMs: done.longestStallMs,
    complete,
    fastEnough,
  };
}

/** The MTU of the miner's TUN device: the one interface without a link layer. */
function tunnelMtu(network: DemoNetwork): number {
  const links = JSON.parse(network.minerHost.run('ip', '-j', 'link', 'show')) as { link_type: string; mtu: number }[];
  const tun = links.find((link) => link.link_type === 'none');
  if (!tun) throw new Error('the miner has no TUN device');
  return tun.mtu;
}

export async function cutOneRoute(demo: Demo): Promise<StepFigures> {
  const { network, narrator } = demo;
  narrator.heading('It downloads the file again, and a third of the way somebody pulls the cable of modem B.');
  const { download } = startDownload(demo);
  const third = network.internet.fileBytes / 3;
  await download.passes(third, PROGRESS_DEADLINE_MS, () => network.tails());
  network.relayB.host.setLink('to-miner', 'down');
  narrator.line('   The cable is out.');
  const done = await download.finished;
  const complete = done.sha256 === network.internet.sha256;
  const quick = done.longestStallMs <= LONGEST_STALL_MS;
  narrator.verdict(complete, 'The download went on over route A; not a byte is missing (checksum).');
  narrator.verdict(quick, `The longest pause between two bytes was ${done.longestStallMs} ms.`);
  return { longestStallMs: done.longestStallMs, ms: done.ms, complete, quick };
}

export async function rejoin(demo: Demo): Promise<StepFigures> {
  const { network, narrator } = demo;
  narrator.heading('The cable goes back in. Nobody touches anything else.');
  network.relayB.host.setLink('to-miner', 'up');
  const { ms } = await timed(() => network.connected(2, REJOIN_DEADLINE_MS));
  const { download, meter } = startDownload(demo);
  const bothCarry = () => meter.total().every((megabytes) => megabytes > REJOINED_MEGABYTES);
  await until('both routes carrying the download', PROGRESS_DEADLINE_MS, bothCarry, () => network.tails());
  await download.cancel();
  const right = true;
  narrator.verdict(right, `Route B was back after ${(ms / 1000).toFixed(1)} s and carries its share again.`);
  return { ms, right };
}

export async function killDaemon({ network, narrator }: Demo): Promise<StepFigures> {
  narrator.heading("The miner's daemon is killed (kill -9) while the laptop tries everything to get out.");
  giveLaptopIpv6(network);
  const watch = await LeakWatch.start(network);
  await makeNoise(network);
  await network.miner.kill();
  await makeNoise(network);
  const cutOff = !reachesInternet(network);
  const report = await watch.stop();
  const tight = nothingLeaked(report) && report.seen > 0;
  narrator.verdict(cutOff, 'Without the daemon the laptop reaches nothing outside.');
  narrator.verdict(
    tight,
    `Of ${report.seen} packets on both modems' wires, in the clear were: IPv4 ${report.ipv4}, IPv6 ${report.ipv6}, DNS ${report.dns} ` +
      `(tcpdump); nftables counted ${report.counted}.`,
  );
  return { ...report, cutOff, tight };
}

function reachesInternet(network: DemoNetwork): boolean {
  try {
    fetchPage(network.laptop, `http://${WEB_ADDRESS}/`, 2);
    return true;
  } catch (error) {
    if (error instanceof ToolError) return false;
    throw error;
  }
}

export async function restartDaemon({ network, narrator }: Demo): Promise<StepFigures> {
  narrator.heading('The service manager starts the daemon again.');
  const { ms } = await timed(async () => {
    await network.miner.start();
    await network.connected();
  });
  const page = fetchPage(network.laptop, `http://${WEB_ADDRESS}/`);
  const right = page.includes('203.0.113.2');
  narrator.verdict(
    right,
    `Connected over both routes after ${(ms / 1000).toFixed(1)} s; the laptop is online again as it was.`,
  );
  return { ms, right };
}
