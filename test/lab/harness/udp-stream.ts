/** Streams of UDP packets between two hosts, with exact one-way delays (test/lab/stream). */
import { cProgram } from './c-program.ts';
import type { Host } from './lab.ts';

export const TOS_REAL_TIME = 46 << 2; // DSCP EF, RFC 3246

export interface StreamOptions {
  readonly client: Host;
  readonly server: Host;
  /** Of the server. */
  readonly address: string;
  readonly port?: number;
  /** `down`: the server sends to the client, which called it first, so that a NAT lets the stream through. */
  readonly direction: 'up' | 'down';
  readonly packetsPerSecond: number;
  /** UDP payload of a packet. */
  readonly bytes: number;
  readonly seconds: number;
  /** At the beginning, left out of every figure. */
  readonly skipSeconds?: number;
  /** Of listening after the last packet was sent. */
  readonly drainSeconds?: number;
  /** The limit of `withinShare`. */
  readonly withinMs?: number;
  readonly tos?: number;
  /** Notes when the machine itself stood still, by a thread on each CPU above every other program. */
  readonly watchStalls?: boolean;
}

export interface StreamFigures {
  readonly sent: number;
  readonly received: number;
  readonly duplicates: number;
  readonly reordered: number;
  readonly lost: number;
  /** Runs of losses, and the longest one in packets. */
  readonly lossRuns: number;
  readonly longestLossRun: number;
  /** Of all that was sent, what arrived within the limit. */
  readonly withinShare: number;
  /** UDP payload that arrived while the stream ran. */
  readonly arrivedMbit: number;
  /** One-way delays; -1 when nothing arrived. */
  readonly meanMs: number;
  readonly minMs: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  /** How often the machine stood still while packets were sent, and for how long altogether; 0 where nobody watched. */
  readonly stalls: number;
  readonly stalledMs: number;
  /** As p99Ms, of the delays less what the machine stood still while a packet was under way. */
  readonly p99LessStallsMs: number;
}

/** Resolves when the stream has ended. */
export function runStream(options: StreamOptions): Promise<StreamFigures> {
  return startStream(options).finished;
}

interface RunningStream {
  readonly finished: Promise<StreamFigures>;
  /** Ends it before its time. */
  end(): Promise<StreamFigures>;
}

export function startStream(options: StreamOptions): RunningStream {
  const { client, server, address, direction } = options;
  const flags: Readonly<Record<string, string | number | undefined>> = {
    client: client.namespace,
    server: server.namespace,
    address,
    port: options.port,
    direction,
    rate: options.packetsPerSecond,
    bytes: options.bytes,
    seconds: options.seconds,
    'skip-seconds': options.skipSeconds,
    'drain-seconds': options.drainSeconds,
    'within-ms': options.withinMs,
    tos: options.tos,
    'watch-stalls': options.watchStalls ? 1 : undefined,
  };
  const args = Object.entries(flags).flatMap(([name, value]) =>
    value === undefined ? [] : [`--${name}`, String(value)],
  );
  const lines: string[] = [];
  const stream = client.start('udp-stream', cProgram('stream'), args, (line) => lines.push(line));
  const finished = stream.exited.then((code): StreamFigures => {
    if (code !== 0) throw new Error(`the stream to ${address} ended with ${code}\n${stream.tail()}`);
    return JSON.parse(lines.join('\n'));
  });
  finished.catch(() => {});
  const end = async () => {
    await stream.stop();
    return finished;
  };
  return { finished, end };
}
