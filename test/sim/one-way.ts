/**
 * Links that work in one direction only. A is heard by B on the wire between them, B is not heard by A; B's datagrams go
 * round over C, or D.
 *
 *   A ─────────▶ B        every link has the way A ─ B, and C ─ A, C ─ B; with D: D ─ A, D ─ B
 *   ├──── C ─────┤
 *   └──── D ─────┘
 *
 *   full-rate       A fills the link, over a wire that is one-way from the start, beside one that works both ways
 *   in-flight       the wire falls deaf under load, and recovers
 *   no-circle       neither B nor C is heard by A: they must not send round over each other
 *   back-route-dies C crashes while B's datagrams go over it; D has to do, then D crashes, too, and both come back
 */
import type { RunContext, RunResult } from '../../scripts/run-contract.ts';
import { readU32, writeU32 } from '../../src/base/bytes.ts';
import type { SecretKey, ServiceKey } from '../../src/base/ids.ts';
import type { Session } from '../../src/bundle/session.ts';
import type { LinkDirection } from '../../src/link/one-way/direction.ts';
import type { Node } from '../../src/node/node.ts';
import { Network } from './world/network.ts';
import type { Wire, WireShape } from './world/wire.ts';

export const about =
  'one-way links: full rate with acknowledgements over two other hops, in flight, without circles, and back';
export const takes = '1 min, gate 20 s';
export const gate = true;

const A = 0;
const C = 1;
const D = 2;
const LINE: Partial<WireShape> = { delayMs: 5, rateMbps: 10 };
/** A fifth of the line: what goes round is small. */
const ROUND: Partial<WireShape> = { delayMs: 5, rateMbps: 2 };
const FORMED_MS = 8_000;
const MESSAGE_BYTES = 1_300;
/** What a flow keeps waiting at its source: more than a link holds, less than the queue there may. */
const FEED_BYTES = 48 * 1024;
const FEED_EVERY_MS = 5;
/** Of what the same link carries while both directions work. */
const FULL_SHARE = 0.97;
/** Until the link has found its rate again after its way back became another one. */
const SETTLE_MS = 5_000;

export function run(context: RunContext): RunResult {
  const seconds = context.gate ? 5 : 20;
  const parts = {
    ...fullRate(seconds * 1_000),
    ...inFlight(seconds * 1_000),
    ...noCircle(),
    ...backRouteDies(),
  };
  const failed = Object.entries(parts).filter(([, value]) => value === false);
  for (const [name] of failed) context.log(`failed: ${name}`);
  return { pass: failed.length === 0, ...parts };
}

/** A network of A, C, D where asked, and B; B is the last. */
class Scene {
  readonly network: Network;
  readonly line: Wire;
  readonly B: number;

  constructor(withD: boolean) {
    this.B = withD ? 3 : 2;
    const { B } = this;
    const round = withD ? [C, D] : [C];
    const wires = [
      { a: A, b: B, shape: LINE },
      ...round.flatMap((via) => [
        { a: A, b: via, shape: ROUND },
        { a: via, b: B, shape: ROUND },
      ]),
    ];
    this.network = new Network({ seed: 1, nodes: B + 1, wires, routeCount: 1 });
    this.line = this.network.world.wires[0];
  }

  node(index: number): Node {
    const { node } = this.network.places[index];
    if (node === undefined) throw new Error('the node is down');
    return node;
  }

  /** How one node sees its link with another; undefined while it is down. */
  direction(at: number, peer: number): LinkDirection | undefined {
    const links = this.node(at).links.status(this.network.world.now);
    const { key } = this.network.places[peer];
    const link = links.find((status) => Buffer.compare(status.key, key) === 0);
    return link?.state === 'up' ? link.direction : undefined;
  }

  run(ms: number): void {
    const { world } = this.network;
    world.run(world.now + ms);
  }
}

/** Numbered messages from A to B over the link between them alone, as many as go. */
class Flow {
  received = 0;
  longestStallMs = 0;
  private missed = 0;
  private sent = 0;
  private lastAt: number;
  private readonly scene: Scene;
  private readonly session: Session;

  constructor(scene: Scene) {
    this.scene = scene;
    const { network, B } = scene;
    const { world, curve } = network;
    const secret = new Uint8Array(32).fill(9) as SecretKey;
    const service = curve.publicKey(secret) as Uint8Array as ServiceKey;
    this.lastAt = world.now;
    scene.node(B).bundles.listen(service, secret, {
      opened: () => {},
      message: (_session, bytes) => this.take(bytes),
      closed: () => {},
    });
    const path = [network.places[B].key];
    const events = { opened: () => {}, message: () => {}, closed: () => {} };
    const clientSecret = new Uint8Array(32).fill(8) as SecretKey;
    const options = { service, clientSecret, routeCount: 1, paths: () => [path], events };
    let session: Session | undefined;
    world.act(A, () => {
      session = scene.node(A).bundles.connect(options, world.now);
    });
    this.session = session!;
    this.feed();
  }

  /** Messages that were lost on the way: what was too much at the source never left it. */
  get lost(): number {
    return this.missed - this.session.status(this.scene.network.world.now).queueDrops;
  }

  /** Bytes a millisecond that arrive in the next `ms`. */
  rate(ms: number): number {
    const before = this.received;
    this.scene.run(ms);
    return ((this.received - before) * MESSAGE_BYTES) / ms;
  }

  private take(bytes: Uint8Array): void {
    const { now } = this.scene.network.world;
    const number = readU32(bytes, 0);
    const expected = this.received + this.missed;
    if (number < expected) throw new Error(`message ${number} came twice or late`);
    this.missed += number - expected;
    this.received += 1;
    this.longestStallMs = Math.max(this.longestStallMs, now - this.lastAt);
    this.lastAt = now;
  }

  private feed(): void {
    const { world } = this.scene.network;
    world.act(A, () => {
      const message = new Uint8Array(MESSAGE_BYTES);
      for (let room = FEED_BYTES - this.session.status(world.now).queueBytes; room > 0; room -= MESSAGE_BYTES) {
        writeU32(message, 0, this.sent);
        if (!this.session.send(message, world.now)) break;
        this.sent += 1;
      }
    });
    world.at(world.now + FEED_EVERY_MS, () => this.feed());
  }
}

function fullRate(ms: number): Record<string, unknown> {
  const measure = (oneWay: boolean) => {
    const scene = new Scene(false);
    scene.line.setOpen(scene.B, !oneWay);
    scene.network.bootAll();
    scene.run(FORMED_MS);
    const flow = new Flow(scene);
    scene.run(2_000);
    const rate = flow.rate(ms);
    const session = scene.node(A).links.status(scene.network.world.now)[0].session;
    return { rate, lost: flow.lost, rekeys: session?.rekeys ?? 0, direction: scene.direction(A, scene.B) };
  };
  const both = measure(false);
  const oneWay = measure(true);
  const share = oneWay.rate / both.rate;
  return {
    full_rate_mbps: megabits(oneWay.rate),
    full_rate_mbps_both_ways: megabits(both.rate),
    full_rate_share: rounded(share),
    full_rate_rekeys: oneWay.rekeys,
    full_rate_ok:
      share >= FULL_SHARE && oneWay.lost === 0 && oneWay.rekeys >= ms / 1_100 && oneWay.direction === 'send-only',
  };
}

function inFlight(ms: number): Record<string, unknown> {
  const scene = new Scene(false);
  const { B, line } = scene;
  scene.network.bootAll();
  scene.run(FORMED_MS);
  const flow = new Flow(scene);
  scene.run(3_000);
  const before = flow.rate(ms);
  line.setOpen(B, false);
  scene.run(SETTLE_MS);
  const during = flow.rate(ms);
  const seen = [scene.direction(A, B), scene.direction(B, A)];
  line.setOpen(B, true);
  scene.run(10_000);
  const after = flow.rate(ms);
  const seenAfter = [scene.direction(A, B), scene.direction(B, A)];
  return {
    in_flight_stall_ms: Math.round(flow.longestStallMs),
    in_flight_lost: flow.lost,
    in_flight_share: rounded(during / before),
    in_flight_share_after: rounded(after / before),
    in_flight_ok:
      flow.lost === 0 &&
      flow.longestStallMs < 2_000 &&
      during >= FULL_SHARE * before &&
      after >= FULL_SHARE * before &&
      seen.join() === 'send-only,receive-only' &&
      seenAfter.join() === 'both,both',
  };
}

function noCircle(): Record<string, unknown> {
  const scene = new Scene(false);
  const { B, line, network } = scene;
  const { world } = network;
  network.bootAll();
  scene.run(FORMED_MS);
  new Flow(scene);
  scene.run(1_000);
  const [, roundA] = world.wires;
  line.setOpen(B, false);
  roundA.setOpen(C, false);
  let datagrams = 0;
  let most = 0;
  world.watch = () => {
    datagrams += 1;
  };
  for (let second = 0; second < 12; second++) {
    datagrams = 0;
    scene.run(1_000);
    most = Math.max(most, datagrams);
  }
  const last = datagrams;
  const down = [scene.direction(A, B), scene.direction(A, C), scene.direction(B, A)];
  roundA.setOpen(C, true);
  scene.run(20_000);
  const up = [scene.direction(A, B), scene.direction(B, A), scene.direction(C, A)];
  return {
    no_circle_datagrams_a_second: most,
    no_circle_datagrams_in_the_end: last,
    no_circle_ok:
      most < 1_000 &&
      last < 100 &&
      down.every((link) => link === undefined) &&
      up.join() === 'send-only,receive-only,both',
  };
}

function backRouteDies(): Record<string, unknown> {
  const scene = new Scene(true);
  const { B, line, network } = scene;
  line.setOpen(B, false);
  network.bootAll();
  scene.run(FORMED_MS);
  const flow = new Flow(scene);
  scene.run(2_000);
  network.crash(C);
  scene.run(6_000);
  const overD = { link: scene.direction(A, B), lost: flow.lost, stall: flow.longestStallMs };
  network.crash(D);
  scene.run(12_000);
  const alone = [scene.direction(A, B), scene.direction(B, A)];
  for (const index of [C, D]) network.world.boot(index);
  scene.run(25_000);
  const again = [scene.direction(A, B), scene.direction(B, A)];
  return {
    back_route_dies_stall_ms: Math.round(overD.stall),
    back_route_dies_ok:
      overD.link === 'send-only' &&
      overD.lost === 0 &&
      overD.stall < 2_000 &&
      alone.every((link) => link === undefined) &&
      again.join() === 'send-only,receive-only',
  };
}

function megabits(bytesPerMs: number): number {
  return rounded(bytesPerMs / 125);
}

function rounded(value: number): number {
  return Math.round(value * 1_000) / 1_000;
}
