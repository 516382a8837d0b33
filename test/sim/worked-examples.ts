/**
 * Store and forward in three worked examples, with the layers that ship on wires of a simulated world:
 *
 *   A ────────── B ────────── C        A sends messages of 8 KB to C; each hop keeps them until the next one has them
 *
 * Watchers look at the three nodes after every event and write down what happened, when it happened first. The whole trace
 * is compared: these steps, in this order, and no other.
 */
import type { RunContext, RunResult } from '../../scripts/run-contract.ts';
import { readU32, writeU32 } from '../../src/base/bytes.ts';
import type { RouteHandle } from '../../src/base/ids.ts';
import { BULK, RELIABLE } from '../../src/base/traffic-class.ts';
import type { RouteRow } from '../../src/route/route-status.ts';
import { Chain, type ChainOptions } from './world/chain.ts';

export const about = 'store and forward on A - B - C, step by step: the normal case, congestion, loss';
export const takes = '3 s';
export const gate = true;

const KB = 1_024;
const MESSAGE_BYTES = 8 * KB;
const QUEUE_BYTES = 8_192 * KB;
const EXAMPLE_MS = 10_000;
/** B has this much for the route; CREDIT tells of a quarter of it at a time. */
const ROOM_BYTES = 1_024 * KB;
const CREDIT_STEP_BYTES = ROOM_BYTES / 4;

const A = 0;

export function run(context: RunContext): RunResult {
  const normal = compare(context, 'normal', normalCase(), [
    'A sends 512 KB',
    'B acks, A forgets it',
    'B sends it on',
    'C acks, B forgets it',
    'A learns that the room is free again',
  ]);
  const congestion = compare(context, 'congestion', congestionCase(), [
    'A sends 512 KB',
    'A sends 256 KB',
    'A sends 256 KB',
    "A stops: B's room is spoken for",
    'B acks',
    'B passes 256 KB to C',
    'C acks',
    'B tells A',
    'A sends 256 KB more',
  ]);
  const loss = compare(context, 'loss', lossCase(), [
    'A sends 512 KB (lost)',
    'A sends 256 KB',
    'B acks the second',
    'A infers the loss',
    'A has sent the 512 KB again, B acks',
    'C has 768 KB',
    'A sends 256 KB',
    'C has 1024 KB',
  ]);
  return { pass: normal && congestion && loss, normal, congestion, loss };
}

function normalCase(): string[] {
  const example = new Example(ROOM_BYTES, { rateMbps: 200, delayMs: 1 }, { rateMbps: 20, delayMs: 20 });
  example.watch('A sends 512 KB', ({ a }) => a.sent >= 512 * KB);
  example.watch('B acks, A forgets it', ({ a }) => a.sent >= 512 * KB && a.held === 0);
  example.watch('B sends it on', ({ b }) => b.sent >= 512 * KB);
  example.watch('C acks, B forgets it', ({ b }) => b.sent >= 512 * KB && b.held === 0);
  example.watch(
    'A learns that the room is free again',
    ({ a, b }) => b.sent >= 512 * KB && b.held === 0 && a.limit - a.sent >= 3 * CREDIT_STEP_BYTES,
  );
  example.offer(512);
  example.run();
  return example.trace;
}

/** The way on is slow: what A sends in a fraction of a second takes B eight. */
function congestionCase(): string[] {
  const example = new Example(ROOM_BYTES, { rateMbps: 200, delayMs: 1 }, { rateMbps: 1, delayMs: 5 });
  let stopped = false;
  example.watch('A sends 512 KB', ({ a }) => a.sent >= 512 * KB);
  example.watch('A sends 256 KB', ({ a }) => a.sent >= 768 * KB);
  example.watch('A sends 256 KB', ({ a }) => a.sent >= 1_000 * KB);
  example.watch("A stops: B's room is spoken for", ({ a }) => {
    stopped ||= a.limit - a.sent < KB && a.waiting > 0;
    return stopped;
  });
  example.watch('B acks', ({ a }) => stopped && a.held === a.waiting);
  example.watch('B passes 256 KB to C', ({ b }) => b.sent >= 256 * KB);
  example.watch('C acks', ({ a, b }) => a.held === a.waiting && a.sent - b.held >= 256 * KB);
  example.watch('B tells A', ({ a }) => a.limit >= ROOM_BYTES + 256 * KB);
  example.watch('A sends 256 KB more', ({ a }) => a.sent >= ROOM_BYTES + 256 * KB);
  example.offer(512);
  example.offer(256);
  example.offer(256);
  example.offer(256);
  example.run();
  return example.trace;
}

/** Fast enough that all of it is on its way before the first acknowledgement could be back. */
function lossCase(): string[] {
  const example = new Example(16 * ROOM_BYTES, { rateMbps: 2_000, delayMs: 5 }, { rateMbps: 2_000, delayMs: 20 });
  example.warmUp(65_536);
  const [aToB] = example.chain.wires;
  aToB.setOpen(A, false);
  example.watch('A sends 512 KB (lost)', ({ a }) => {
    if (a.sent < 512 * KB) return false;
    aToB.setOpen(A, true);
    return true;
  });
  example.watch('A sends 256 KB', ({ a }) => a.sent >= 768 * KB);
  example.watch('B acks the second', ({ a }) => a.held < a.offered);
  example.watch('A infers the loss', ({ a }) => a.sentAgain > 0);
  example.watch('A has sent the 512 KB again, B acks', ({ a }) => a.sent >= 768 * KB && a.held === 0);
  example.watch('C has 768 KB', ({ c }) => c === 768 * KB);
  example.offer(512);
  example.offer(256);
  example.run();
  example.watch('A sends 256 KB', ({ a }) => a.sent >= 1_024 * KB);
  example.watch('C has 1024 KB', ({ c }) => c === 1_024 * KB);
  example.offer(256);
  example.run();
  return example.trace;
}

/** One hop's side of the route. All in bytes of this example, without what warmed it up. */
interface Hop {
  readonly offered: number;
  /** For the first time. */
  readonly sent: number;
  /** Pieces. */
  readonly sentAgain: number;
  /** Kept: what waits and what is not acknowledged. */
  readonly held: number;
  /** At A: what was offered and not sent. */
  readonly waiting: number;
  /** What the next hop allowed in all. */
  readonly limit: number;
}

interface State {
  readonly a: Hop;
  readonly b: Hop;
  /** What arrived at C. */
  readonly c: number;
}

interface Watcher {
  readonly step: string;
  readonly happened: (state: State) => boolean;
  done: boolean;
}

class Example {
  readonly chain: Chain;
  readonly trace: string[] = [];
  private readonly route: RouteHandle;
  private readonly watchers: Watcher[] = [];
  private readonly delivered = new Set<number>();
  private offeredBytes = 0;
  private deliveredBytes = 0;
  private nextMessage = 0;
  private warmedUp: State | undefined;

  constructor(roomBytes: number, ...wires: ChainOptions['wires']) {
    this.chain = new Chain({
      seed: 1,
      wires: wires.map((shape) => ({ queueBytes: QUEUE_BYTES, ...shape })),
      // A bound that nothing in these examples moves, and counts that are not put away.
      route: { leastBoundBytes: roomBytes, dormantAfterMs: 60_000 },
      world: { traced: false },
    });
    const { world, first, last } = this.chain;
    world.run(this.chain.runUntilUp() + 2_000);
    this.route = this.chain.open(BULK, RELIABLE);
    last.events = { message: (_route, message) => this.arrived(message) };
    first.events = { writable: (_route, now) => this.fill(now) };
    this.warmUp(8);
  }

  /** Lets so much pass before the example begins. */
  warmUp(kb: number): void {
    this.offer(kb);
    this.chain.world.run(this.chain.world.now + EXAMPLE_MS);
    this.warmedUp = undefined;
    this.warmedUp = this.state();
    if (this.deliveredBytes !== this.offeredBytes) throw new Error('the warm-up did not arrive');
  }

  offer(kb: number): void {
    this.offeredBytes += kb * KB;
    this.chain.act(A, (now) => this.fill(now));
  }

  /** Writes the step down when it happened. */
  watch(step: string, happened: (state: State) => boolean): void {
    this.watchers.push({ step, happened, done: false });
  }

  run(): void {
    const { world } = this.chain;
    world.run(world.now + EXAMPLE_MS, () => this.look());
  }

  private look(): void {
    const state = this.state();
    for (const watcher of this.watchers) {
      if (watcher.done || !watcher.happened(state)) continue;
      watcher.done = true;
      this.trace.push(watcher.step);
    }
  }

  private state(): State {
    const before = this.warmedUp;
    return {
      a: this.hop(A, this.offeredBytes, before?.a),
      b: this.hop(A + 1, 0, before?.b),
      c: this.deliveredBytes - (before?.c ?? 0),
    };
  }

  private hop(index: number, offered: number, before: Hop | undefined): Hop {
    const row = this.chain.nodes[index].routes.rows(2).find(({ direction }) => direction === 'forward') as RouteRow;
    return {
      offered: offered - (before?.offered ?? 0),
      sent: row.forwardedBytes - (before?.sent ?? 0),
      sentAgain: row.retransmittedPieces - (before?.sentAgain ?? 0),
      held: index === A ? row.bufferedBytes + offered - this.taken() : row.bufferedBytes,
      waiting: index === A ? offered - row.forwardedBytes : 0,
      limit: row.forwardedBytes + (row.creditBytes ?? 0) - (before?.sent ?? 0),
    };
  }

  /** What the route layer of A took of what was offered. */
  private taken(): number {
    return this.nextMessage * MESSAGE_BYTES;
  }

  private fill(now: number): void {
    const { routes } = this.chain.first;
    while (this.taken() < this.offeredBytes && routes.room(this.route, now) >= MESSAGE_BYTES) {
      const message = new Uint8Array(MESSAGE_BYTES);
      writeU32(message, 0, this.nextMessage);
      if (routes.send(this.route, message, now) < 0) return;
      this.nextMessage += 1;
    }
  }

  private arrived(message: Uint8Array): void {
    const number = readU32(message, 0);
    if (this.delivered.has(number)) this.trace.push(`message ${number} is delivered twice`);
    this.delivered.add(number);
    this.deliveredBytes += message.length;
  }
}

function compare(context: RunContext, name: string, trace: readonly string[], steps: readonly string[]): boolean {
  const same = trace.length === steps.length && trace.every((step, i) => step === steps[i]);
  context.log(`${same ? 'ok  ' : 'FAIL'} ${name}`);
  for (const [i, step] of trace.entries()) context.log(`       ${step === steps[i] ? ' ' : '!'} ${step}`);
  if (!same) context.log(`     expected: ${steps.join('; ')}`);
  return same;
}
