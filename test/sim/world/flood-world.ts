/**
 * Thousands of record floods on links in memory, under a virtual clock: every byte of RECORDS and RECORDS_ACK is the real one. Only two things are
 * cheaper than they are: what one node has read and checked the others hold too (shared-reader.ts), and links lose nothing.
 */
import { Drops } from '../../../src/base/drops.ts';
import type { LinkId, SecretKey } from '../../../src/base/ids.ts';
import { SeededRandom } from '../../../src/base/seeded-random.ts';
import { createIdentity, type Identity } from '../../../src/crypto/identity.ts';
import { RecordFlood } from '../../../src/graph/record-flood.ts';
import { fastCurve } from '../../helpers/fast-curve.ts';
import { EventHeap } from './event-heap.ts';
import { SharedReader } from './shared-reader.ts';

const EPOCH_MS = Date.UTC(2026, 0, 1);

interface FloodHost {
  readonly identity: Identity;
  readonly flood: RecordFlood;
  /** Neighbours by link id. */
  readonly neighbours: (FloodHost | undefined)[];
  wakeAt: number;
}

export class FloodWorld {
  now = 0;
  readonly hosts: FloodHost[];
  readonly drops = new Drops();
  sentBytes = 0;
  sentMessages = 0;
  private readonly events = new EventHeap();
  private readonly random: SeededRandom;
  readonly curve = fastCurve();
  private readonly reader: SharedReader;

  constructor(seed: number, nodes: number) {
    this.random = new SeededRandom(seed, `flood ${nodes}`);
    this.reader = new SharedReader(this.curve, nodes);
    this.hosts = Array.from({ length: nodes }, () => this.host());
  }

  wallMs(): number {
    return EPOCH_MS + this.now;
  }

  connect(a: FloodHost, b: FloodHost): void {
    const [fromA, fromB] = [linkTo(a, b), linkTo(b, a)];
    a.flood.linkUp(fromA, b.identity.key, this.now);
    b.flood.linkUp(fromB, a.identity.key, this.now);
    for (const [host, link] of [
      [a, fromA],
      [b, fromB],
    ] as const) {
      host.flood.setMeasurement(link, {
        roundTripMs: 1 + this.random.integer(100),
        rateKbps: 0,
        lossShare: 0,
        medium: 'unknown',
      });
      this.settle(host);
    }
  }

  disconnect(a: FloodHost, b: FloodHost): void {
    for (const [host, other] of [
      [a, b],
      [b, a],
    ]) {
      const link = host.neighbours.indexOf(other) as LinkId;
      host.neighbours[link] = undefined;
      host.flood.linkDown(link, other.identity.key, this.now);
      this.settle(host);
    }
  }

  at(time: number, run: () => void): void {
    this.events.add(time, run);
  }

  run(until: number): void {
    while (this.events.nextAt() <= until) {
      const event = this.events.take();
      this.now = Math.max(this.now, event.at);
      event.run();
    }
    this.now = until;
  }

  /** Runs until the condition holds, looking every `stepMs`; how long it took, or undefined at the deadline. */
  until(condition: () => boolean, stepMs: number, deadlineMs: number): number | undefined {
    const startedAt = this.now;
    while (this.now < startedAt + deadlineMs) {
      this.run(this.now + stepMs);
      if (condition()) return this.now - startedAt;
    }
    return undefined;
  }

  private host(): FloodHost {
    const secret = new Uint8Array(32);
    this.random.fill(secret);
    const identity = createIdentity(this.curve, secret as SecretKey);
    const neighbours: (FloodHost | undefined)[] = [];
    const host: FloodHost = {
      identity,
      neighbours,
      wakeAt: Number.POSITIVE_INFINITY,
      flood: new RecordFlood({
        identity,
        curve: this.curve,
        random: this.random,
        drops: this.drops,
        wallMs: () => this.wallMs(),
        send: (link, message) => this.send(host, link, message),
        changed: () => {},
        reader: this.reader,
      }),
    };
    return host;
  }

  private send(from: FloodHost, link: LinkId, message: Uint8Array): boolean {
    const to = from.neighbours[link];
    if (to === undefined) return false;
    this.sentBytes += message.length;
    this.sentMessages += 1;
    const bytes = message.slice();
    this.events.add(this.now + 2 + this.random.integer(20), () => {
      const back = to.neighbours.indexOf(from);
      if (back < 0) return;
      to.flood.receive(back as LinkId, bytes, this.now);
      this.settle(to);
    });
    return true;
  }

  private settle(host: FloodHost): void {
    host.flood.drain(this.now);
    const at = Math.max(host.flood.nextWakeAt(), this.now);
    if (at >= host.wakeAt || at === Number.POSITIVE_INFINITY) return;
    host.wakeAt = at;
    this.events.add(at, () => {
      if (host.wakeAt !== at) return;
      host.wakeAt = Number.POSITIVE_INFINITY;
      host.flood.wake(this.now);
      this.settle(host);
    });
  }
}

function linkTo(from: FloodHost, to: FloodHost): LinkId {
  const hole = from.neighbours.indexOf(undefined);
  const link = hole < 0 ? from.neighbours.length : hole;
  from.neighbours[link] = to;
  return link as LinkId;
}
