/** One or more TCP connections of iperf3 at full rate, with the congestion control that the lab asks for. */
import type { Host } from './lab.ts';
import { until } from './until.ts';

const SERVER_START_MS = 5_000;
const CONNECT_MS = 5_000;
/** What a test may take beyond its own time before it counts as hung. */
const GRACE_MS = 20_000;
const FIRST_PORT = 5_300;

export interface TcpOptions {
  readonly client: Host;
  readonly server: Host;
  /** Of the server. */
  readonly address: string;
  /** `down`: towards the client. */
  readonly direction: 'up' | 'down';
  readonly seconds: number;
  /** At the beginning, left out of every figure. */
  readonly skipSeconds?: number;
  /** BBR stops for 0.3 s every 10 s to measure the round trip: once in a reading or twice. */
  readonly congestion: 'cubic' | 'reno' | 'bbr';
  readonly streams?: number;
  /** Of each connection; at full rate without it. */
  readonly limitMbit?: number;
  readonly tos?: number;
  /** Length of the readings in `intervals`. */
  readonly intervalSeconds?: number;
}

export interface TcpFigures {
  /** TCP payload that arrived. */
  readonly mbit: number;
  /** The sending kernel's own count of segments sent again. */
  readonly retransmits: number;
  /** Payload rate in each interval as the client saw it, Mb/s. */
  readonly intervals: readonly number[];
}

let started = 0;

/** Resolves when the test has ended. Throws Error when there is no connection, or it hangs. */
export async function measureTcp(options: TcpOptions): Promise<TcpFigures> {
  const { client, server, address, seconds } = options;
  // A server that a broken test left behind stays busy: each test has its own.
  const port = String(FIRST_PORT + started++);
  const listener = server.start('iperf3-server', 'iperf3', ['-s', '-1', '-B', address, '-p', port]);
  const listening = () => server.run('ss', '-Htln').includes(`:${port} `);
  await until('iperf3 server', SERVER_START_MS, listening, () => listener.tail());
  const lines: string[] = [];
  const test = client.start('iperf3', 'iperf3', words(options, port), (line) => lines.push(line));
  const hung = setTimeout(() => test.kill(), (seconds + (options.skipSeconds ?? 0)) * 1_000 + GRACE_MS);
  await test.exited;
  clearTimeout(hung);
  await listener.kill();
  if (lines.length === 0) throw new Error(`iperf3 to ${address} hung\n${test.tail()}`);
  const report = JSON.parse(lines.join('\n'));
  if (report.error) throw new Error(`iperf3 to ${address}: ${report.error}`);
  const { sum_received: received, sum_sent: sent } = report.end;
  const intervals = report.intervals.map(
    (interval: { sum: { bits_per_second: number; omitted: boolean } }) => interval.sum,
  );
  return {
    mbit: received.bits_per_second / 1e6,
    retransmits: sent.retransmits ?? 0,
    intervals: intervals.filter(({ omitted }: { omitted: boolean }) => !omitted).map(mbitOf),
  };
}

const mbitOf = ({ bits_per_second: bits }: { bits_per_second: number }) => bits / 1e6;

function words(options: TcpOptions, port: string): string[] {
  const named: Readonly<Record<string, string | number | undefined>> = {
    '-c': options.address,
    '-p': port,
    '-t': options.seconds,
    '-O': options.skipSeconds,
    '-C': options.congestion,
    '-P': options.streams,
    '-b': options.limitMbit && options.limitMbit * 1e6,
    '-S': options.tos,
    '-i': options.intervalSeconds,
    '--connect-timeout': CONNECT_MS,
  };
  const pairs = Object.entries(named).flatMap(([name, value]) => (value === undefined ? [] : [name, String(value)]));
  return ['-J', ...pairs, ...(options.direction === 'down' ? ['-R'] : [])];
}
