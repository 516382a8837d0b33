/**
 * Hostile request lines: into the line reader and the request parser, and every hundredth batch of them through a real
 * control socket. There each line must get exactly one answer, however it is spoilt.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { createConnection, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RunContext, RunResult } from '../../scripts/run-contract.ts';
import { utf8 } from '../../src/base/bytes.ts';
import { Drops } from '../../src/base/drops.ts';
import type { SeededRandom } from '../../src/base/seeded-random.ts';
import { MAX_LINE_BYTES, readRequest, readResponse, requestLine } from '../../src/control/envelope.ts';
import { LineReader } from '../../src/control/line-reader.ts';
import { METHODS, type MethodName } from '../../src/control/schema.ts';
import { ControlServer } from '../../src/os/control-server.ts';
import { KEY, sampleHandlers } from '../unit/cli/sample-handlers.ts';
import { type CaseKind, type FuzzTarget, fuzz } from './harness/fuzz-loop.ts';
import { mutate, noise } from './harness/mutation.ts';

export const about = 'spoilt request lines into the control parser, and through a real control socket';
export const takes = '30 s, gate 2 s';
export const gate = true;

const SOCKET_EVERY_CASES = 100;
const LINES_OF_A_BATCH = 8;
const LONG_LINE_EVERY_CASES = 5_000;
const NEWLINE = 10;
const SPACES = new Uint8Array(64).fill(32);

const SEEDS: readonly Uint8Array[] = [
  ...Object.keys(METHODS).map((method) => `{"v":1,"id":1,"method":"${method}"}`),
  requestLine(7, 'ping', { key: KEY, count: 3, timeout_ms: 500 }).trim(),
  requestLine(Number.MAX_SAFE_INTEGER, 'gateway.use', { gateway: 'none' }).trim(),
  requestLine(0, 'gateway.use', { gateway: KEY }).trim(),
  '{"v":2,"id":1,"method":"status","new":{}}',
  '{"v":1,"id":null,"method":"__proto__","params":{"__proto__":{"a":1}}}',
  '{"v":1,"id":1,"method":"constructor","params":null}',
  '{"v":1,"id":1e308,"method":"status","params":[]}',
  `{"v":1,"id":1,"method":"${'x'.repeat(300)}"}`,
  `${'['.repeat(200)}${']'.repeat(200)}`,
  `{"v":1,"id":1,"result":{"a":${'{"a":'.repeat(50)}1${'}'.repeat(50)}}}`,
  '{"v":1,"id":null,"error":{"code":"busy","message":"m","remedy":"r"}}',
].map(utf8);

/** Pieces that JSON is made of: the grammar's own edges. */
const TOKENS = [
  '{',
  '}',
  '[',
  ']',
  '"',
  '\\u0000',
  '\\ud800',
  ',',
  ':',
  'null',
  'true',
  '-0',
  '1e999',
  '"v":1',
  '"id":1',
  '"method":',
].map(utf8);

export async function run(context: RunContext): Promise<RunResult> {
  const folder = mkdtempSync(join(tmpdir(), 'fuzz-control-'));
  context.onExit(() => rmSync(folder, { recursive: true }));
  return fuzz({
    name: 'control',
    context,
    target: () => ControlUnderFire.start(join(folder, 'control.sock'), context),
  });
}

class ControlUnderFire implements FuzzTarget {
  readonly drops: readonly Drops[];
  private readonly ownDrops = new Drops();
  private readonly serverDrops: Drops;
  private readonly socketPath: string;
  private reader = new LineReader();
  private client: LineClient;
  private calls = 0;
  private responses = 0;
  private socketLines = 0;
  private socketRefusals = 0;

  static async start(socketPath: string, context: RunContext): Promise<ControlUnderFire> {
    const drops = new Drops();
    const server = new ControlServer({ socketPath, handlers: sampleHandlers(), drops, log: { write: () => {} } });
    await server.start();
    const client = await LineClient.connect(socketPath);
    context.onExit(async () => {
      client.close();
      await server.stop();
    });
    return new ControlUnderFire(socketPath, drops, client);
  }

  private constructor(socketPath: string, serverDrops: Drops, client: LineClient) {
    this.socketPath = socketPath;
    this.serverDrops = serverDrops;
    this.client = client;
    this.drops = [this.ownDrops, serverDrops];
  }

  prepare(): void {}

  feed(random: SeededRandom, number: number): CaseKind | Promise<CaseKind> {
    const isNoise = random.chance(0.15);
    if (number % LONG_LINE_EVERY_CASES === LONG_LINE_EVERY_CASES - 1) return this.feedTooLong(random);
    if (number % LONG_LINE_EVERY_CASES === 0) return this.feedLongWords(random);
    if (number % SOCKET_EVERY_CASES === 0) return this.feedSocket(random, isNoise);
    const line = isNoise ? noiseLine(random) : mutantLine(random);
    this.feedParser(random, line);
    return isNoise ? 'noise' : 'mutant';
  }

  checkBounds(): void {}

  async finish(): Promise<Record<string, unknown>> {
    const [answer] = await this.client.ask(utf8(requestLine(1, 'version', {})), 1);
    const response = readResponse(answer);
    if (response === undefined || !('result' in response))
      throw new Error('the control socket does not answer any more');
    return {
      calls_accepted: this.calls,
      responses_accepted: this.responses,
      socket_lines: this.socketLines,
      socket_refusals: this.socketRefusals,
    };
  }

  /** In two pieces, cut anywhere, as a stream may. */
  private feedParser(random: SeededRandom, line: Uint8Array): void {
    const cut = random.integer(line.length + 1);
    this.read(line.subarray(0, cut));
    this.read(line.subarray(cut));
    this.read(Uint8Array.of(NEWLINE));
  }

  private read(bytes: Uint8Array): void {
    const lines = this.reader.push(bytes);
    if (lines === undefined) {
      this.ownDrops.count('control-line-long');
      this.reader = new LineReader();
      return;
    }
    for (const line of lines) {
      const request = readRequest(line);
      if (request.error !== undefined) this.ownDrops.count(request.drop);
      else this.calls++;
      if (readResponse(line) !== undefined) this.responses++;
    }
  }

  private async feedSocket(random: SeededRandom, isNoise: boolean): Promise<CaseKind> {
    const lines = Array.from({ length: LINES_OF_A_BATCH }, () => (isNoise ? noiseLine(random) : mutantLine(random)));
    const bytes = Buffer.concat(lines.flatMap((line) => [line, Uint8Array.of(NEWLINE)]));
    const count = bytes.reduce((sum, byte) => sum + (byte === NEWLINE ? 1 : 0), 0);
    const before = total(this.serverDrops);
    const answers = await this.client.ask(bytes, count);
    const refused = total(this.serverDrops) - before;
    if (isNoise && refused !== count) throw new Error(`${refused} of ${count} lines of noise were counted`);
    this.socketLines += count;
    this.socketRefusals += refused;
    for (const answer of answers) {
      if (readResponse(answer) === undefined) throw new Error(`an answer of another form: ${answer.slice(0, 200)}`);
    }
    return isNoise ? 'noise' : 'mutant';
  }

  /** As long as a line may be: whatever is done with a word must not take longer than in proportion. */
  private feedLongWords(random: SeededRandom): CaseKind {
    const word = 'gateway.use'.repeat(5_000);
    const line = random.pick([
      requestLine(1, word as MethodName, {}),
      requestLine(1, 'gateway.use', { gateway: word }),
      requestLine(1, 'ping', { key: word }),
      '['.repeat(word.length),
    ]);
    this.feedParser(random, utf8(line.trim()));
    return 'noise';
  }

  /** One error is answered, then the server hangs up; the next client is served. */
  private async feedTooLong(random: SeededRandom): Promise<CaseKind> {
    const bytes = new Uint8Array(MAX_LINE_BYTES + 1 + random.integer(MAX_LINE_BYTES)).fill(0x61);
    await this.client.ask(bytes, 1);
    this.client.close();
    this.client = await LineClient.connect(this.socketPath);
    return 'noise';
  }
}

/** Sends bytes and waits for a number of lines. */
class LineClient {
  private readonly socket: Socket;
  private received = '';
  private waiting: { count: number; resolve: (lines: string[]) => void; reject: (error: Error) => void } | undefined;

  static connect(path: string): Promise<LineClient> {
    return new Promise((resolve, reject) => {
      const socket = createConnection(path, () => resolve(new LineClient(socket)));
      socket.once('error', reject);
    });
  }

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.setEncoding('utf8');
    socket.on('error', () => {});
    socket.on('data', (text: string) => {
      this.received += text;
      this.settle();
    });
    socket.on('close', () => this.waiting?.reject(new Error('the control server hung up')));
  }

  ask(bytes: Uint8Array, count: number): Promise<string[]> {
    return new Promise((resolve, reject) => {
      this.waiting = { count, resolve, reject };
      this.socket.write(bytes);
    });
  }

  close(): void {
    this.waiting = undefined;
    this.socket.destroy();
  }

  private settle(): void {
    const lines = this.received.split('\n');
    if (this.waiting === undefined || lines.length <= this.waiting.count) return;
    if (lines.length > this.waiting.count + 1 || lines.at(-1) !== '') {
      this.waiting.reject(new Error('more answers than requests'));
      return;
    }
    const { resolve } = this.waiting;
    this.waiting = undefined;
    this.received = '';
    resolve(lines.slice(0, -1));
  }
}

function mutantLine(random: SeededRandom): Uint8Array {
  const seed = random.pick(SEEDS);
  if (random.chance(0.1)) return seed;
  if (random.chance(0.3)) return withToken(random, seed);
  return mutate(random, seed, random.chance(0.1) ? SPACES : random.pick(SEEDS), 4_096);
}

function withToken(random: SeededRandom, seed: Uint8Array): Uint8Array {
  const at = random.integer(seed.length + 1);
  const to = Math.min(seed.length, at + random.integer(4));
  return Buffer.concat([seed.subarray(0, at), random.pick(TOKENS), seed.subarray(to)]);
}

function noiseLine(random: SeededRandom): Uint8Array {
  return noise(random, 0, 300);
}

function total(drops: Drops): number {
  return Object.values(drops.toJSON()).reduce((sum, count) => sum + count, 0);
}
