/** What runs on the hosts that know nothing of us: DHCP client, browser, resolver, iperf3, and the internet's servers. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Host } from './lab.ts';
import type { LabProcess } from './lab-process.ts';
import { etcOf } from './sweep.ts';
import { until } from './until.ts';

const PROGRAMS = join(import.meta.dirname, 'programs');
const SERVER_START_MS = 20_000;
const DHCP_DEADLINE_S = 20;

/** Asks for a lease and takes it over, resolver included; returns the address. Throws ToolError when nobody offers one. */
export async function takeDhcpLease(host: Host, device: string): Promise<string> {
  mkdirSync(etcOf(host.namespace), { recursive: true });
  const environment = `SKY_RESOLV_CONF=${join(etcOf(host.namespace), 'resolv.conf')}`;
  const tries = ['-t', String(DHCP_DEADLINE_S), '-T', '1'];
  const options = ['-i', device, '-f', '-n', '-q', ...tries, '-s', join(PROGRAMS, 'dhcp-event')];
  const client = host.start('dhcp', 'env', [environment, 'udhcpc', ...options]);
  const code = await client.exited;
  if (code !== 0) throw new Error(`${host.name} got no address by DHCP\n${client.tail()}`);
  return addressOf(host, device);
}

export function addressOf(host: Host, device: string): string {
  const [{ addr_info: addresses }] = JSON.parse(host.run('ip', '-j', '-4', 'address', 'show', 'dev', device));
  return addresses[0].local;
}

/** First address that the host's own resolver gives for the name. Throws ToolError when it gives none. */
export function resolveName(host: Host, name: string): string {
  return host.run('getent', 'ahostsv4', name).split(/\s/)[0];
}

/** Fetches a page; throws ToolError when that takes longer than `maxSeconds`. */
export function fetchPage(host: Host, url: string, maxSeconds = 10): string {
  return host.run('curl', '-sS', '--max-time', String(maxSeconds), url);
}

export interface Internet {
  readonly process: LabProcess;
  readonly fileBytes: number;
  readonly sha256: string;
  /** Who asked the DNS server for what. */
  readonly questions: readonly { readonly dns: string; readonly from: string }[];
}

/** Starts the web and the DNS server (programs/internet.ts); resolves when both serve. */
export async function startInternet(
  host: Host,
  options: { web: string; dns: string; fileBytes: number; names: Readonly<Record<string, string>> },
): Promise<Internet> {
  const questions: { dns: string; from: string }[] = [];
  let ready: { fileBytes: number; sha256: string } | undefined;
  const names = Object.entries(options.names).map(([name, address]) => `${name}=${address}`);
  const args = [join(PROGRAMS, 'internet.ts'), options.web, options.dns, String(options.fileBytes), ...names];
  const server = host.start('servers', process.execPath, args, (line) => {
    const event = JSON.parse(line);
    if (event.ready) ready = event;
    else questions.push(event);
  });
  const { fileBytes, sha256 } = await until(
    'web and DNS server',
    SERVER_START_MS,
    () => ready,
    () => server.tail(),
  );
  return { process: server, fileBytes, sha256, questions };
}

export interface Download {
  readonly bytes: number;
  readonly sha256: string;
  readonly ms: number;
  readonly firstByteMs: number;
  readonly longestStallMs: number;
}

export class RunningDownload {
  /** Bytes that have arrived, four times a second. */
  bytes = 0;
  readonly finished: Promise<Download>;
  private readonly client: LabProcess;

  constructor(host: Host, url: string, onProgress: (bytes: number, ms: number) => void = () => {}) {
    let done: Download | undefined;
    this.client = host.start('download', process.execPath, [join(PROGRAMS, 'download.ts'), url], (line) => {
      const event = JSON.parse(line);
      this.bytes = event.bytes;
      if (event.done) done = event;
      else onProgress(event.bytes, event.ms);
    });
    this.finished = this.client.exited.then(() => {
      if (!done) throw new Error(`the download of ${url} ended early at ${this.bytes} bytes\n${this.client.tail()}`);
      return done;
    });
    this.finished.catch(() => {});
  }

  /** Resolves when more than so many bytes have arrived. `explain` says why they did not. */
  async passes(bytes: number, deadlineMs: number, explain: () => string): Promise<void> {
    await until(`${Math.round(bytes)} bytes of the file`, deadlineMs, () => this.bytes > bytes, explain);
  }

  /** Breaks it off; `finished` rejects. */
  async cancel(): Promise<void> {
    await this.client.kill();
  }
}

/** Starts an iperf3 server; resolves when it listens. */
export async function startIperf(host: Host, address: string): Promise<LabProcess> {
  const server = host.start('iperf3-server', 'iperf3', ['-s', '-B', address]);
  await until(
    'iperf3 server',
    SERVER_START_MS,
    () => host.run('ss', '-Htln').includes(':5201'),
    () => server.tail(),
  );
  return server;
}

/** Mb/s of TCP payload that arrived. `reverse`: towards this host. */
export async function runIperf(
  host: Host,
  server: string,
  options: { seconds: number; reverse?: boolean; streams?: number },
): Promise<number> {
  const lines: string[] = [];
  const direction = options.reverse ? ['-R'] : [];
  const streams = ['-P', String(options.streams ?? 1)];
  const args = [
    '-c',
    server,
    '-J',
    '-t',
    String(options.seconds),
    '--connect-timeout',
    '5000',
    ...streams,
    ...direction,
  ];
  const client = host.start('iperf3', 'iperf3', args, (line) => lines.push(line));
  await client.exited;
  const report = JSON.parse(lines.join('\n'));
  if (report.error) throw new Error(`iperf3 to ${server}: ${report.error}`);
  return report.end.sum_received.bits_per_second / 1e6;
}

/** Round trips in ms of the pings that were answered; throws when none was. */
export function pingTimes(host: Host, address: string, count: number, intervalSeconds = 0.2): number[] {
  const output = host.run('ping', '-n', '-c', String(count), '-i', String(intervalSeconds), '-W', '2', address);
  return [...output.matchAll(/time=([\d.]+) ms/g)].map(([, time]) => Number(time));
}

/** As `pingTimes`, while other things go on, and with a type of service. None answered is an empty list. */
export async function pingsUnderWay(
  host: Host,
  address: string,
  options: { count: number; everySeconds: number; tos: number },
): Promise<number[]> {
  const times: number[] = [];
  const paced = ['-c', String(options.count), '-i', String(options.everySeconds), '-W', '2'];
  const ping = host.start('ping', 'ping', ['-n', ...paced, '-Q', String(options.tos), address], (line) => {
    const answer = /time=([\d.]+) ms/.exec(line);
    if (answer) times.push(Number(answer[1]));
  });
  await ping.exited;
  return times;
}
