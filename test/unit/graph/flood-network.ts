/**
 * Several record floods joined by links in memory, on a virtual clock. Messages may be lost and late; a link that is
 * down carries nothing.
 */
import { toHex } from '../../../src/base/bytes.ts';
import { Drops } from '../../../src/base/drops.ts';
import type { LinkId, SecretKey } from '../../../src/base/ids.ts';
import { SeededRandom } from '../../../src/base/seeded-random.ts';
import { createIdentity, type Identity } from '../../../src/crypto/identity.ts';
import { nobleCurve } from '../../../src/crypto/noble-curve.ts';
import { RecordFlood } from '../../../src/graph/record-flood.ts';
import { signRecord } from '../../../src/graph/record-signature.ts';
import type { GraphTuning } from '../../../src/graph/tuning.ts';
import {
  encodeRecords,
  parseRecords,
  parseRecordsAck,
  type RecordAck,
  type RecordEntry,
} from '../../../src/wire/channel0.ts';
import type { NodeRecord } from '../../../src/wire/record.ts';
import { EventHeap } from '../../sim/world/event-heap.ts';

export const WALL_START_MS = 1_700_000_000_000;

export interface FloodNode {
  readonly index: number;
  readonly identity: Identity;
  readonly drops: Drops;
  flood: RecordFlood;
  /** When `changed` was called. */
  readonly changes: number[];
  clockErrorMs: number;
}

export interface Sent {
  readonly from: FloodNode;
  readonly to: FloodNode;
  readonly at: number;
  readonly records: RecordEntry[];
  readonly acks: RecordAck[];
}

export class FloodNetwork {
  now = 0;
  readonly nodes: FloodNode[] = [];
  /** Undefined: lost. Otherwise ms until it arrives. */
  delayOf: (from: FloodNode, to: FloodNode) => number | undefined = () => 5;
  readonly sent: Sent[] = [];
  private readonly heap = new EventHeap();
  private readonly up = new Set<string>();
  private readonly tuning: Partial<GraphTuning>;

  constructor(tuning: Partial<GraphTuning> = {}) {
    this.tuning = tuning;
  }

  static chain(length: number, tuning: Partial<GraphTuning> = {}): FloodNetwork {
    const network = new FloodNetwork(tuning);
    for (let i = 0; i < length; i++) network.add();
    for (let i = 1; i < length; i++) network.connect(network.nodes[i - 1], network.nodes[i]);
    return network;
  }

  add(): FloodNode {
    const index = this.nodes.length;
    const node: FloodNode = {
      index,
      identity: identityOf(index),
      drops: new Drops(),
      flood: undefined as unknown as RecordFlood,
      changes: [],
      clockErrorMs: 0,
    };
    this.restart(node);
    this.nodes.push(node);
    return node;
  }

  /** The node begins with nothing; its links are down. */
  restart(node: FloodNode): void {
    for (const other of this.nodes) if (this.isUp(node, other)) this.disconnect(node, other);
    node.flood = new RecordFlood({
      identity: node.identity,
      curve: nobleCurve,
      random: new SeededRandom(node.index, `flood from ${this.now}`),
      drops: node.drops,
      wallMs: () => WALL_START_MS + this.now + node.clockErrorMs,
      send: (link, message) => this.send(node, this.nodes[link], message),
      changed: (now) => node.changes.push(now),
      tuning: this.tuning,
    });
  }

  connect(a: FloodNode, b: FloodNode): void {
    this.up.add(`${a.index} ${b.index}`).add(`${b.index} ${a.index}`);
    a.flood.linkUp(b.index as LinkId, b.identity.key, this.now);
    b.flood.linkUp(a.index as LinkId, a.identity.key, this.now);
  }

  disconnect(a: FloodNode, b: FloodNode): void {
    this.up.delete(`${a.index} ${b.index}`);
    this.up.delete(`${b.index} ${a.index}`);
    a.flood.linkDown(b.index as LinkId, b.identity.key, this.now);
    b.flood.linkDown(a.index as LinkId, a.identity.key, this.now);
  }

  runUntil(at: number): void {
    for (;;) {
      for (const { flood } of this.nodes) {
        if (flood.nextWakeAt() > this.now) continue;
        flood.wake(this.now);
        flood.drain(this.now);
      }
      const next = Math.min(this.heap.nextAt(), ...this.nodes.map(({ flood }) => flood.nextWakeAt()));
      if (next > at) break;
      this.now = Math.max(this.now, next);
      while (this.heap.nextAt() <= this.now) this.heap.take().run();
    }
    this.now = at;
  }

  run(ms: number): void {
    this.runUntil(this.now + ms);
  }

  /** Hands records to a node as if a neighbour had sent them. */
  inject(from: FloodNode, to: FloodNode, ...entries: RecordEntry[]): void {
    to.flood.receive(from.index as LinkId, encodeRecords(entries), this.now);
  }

  /** Indices of the nodes that a node has heard of, itself included. */
  known(node: FloodNode): number[] {
    return this.nodes
      .filter(({ identity }) => node.flood.graph.recordOf(identity.key) !== undefined)
      .map(({ index }) => index);
  }

  /** Whether every node sees exactly the links that are up. */
  agreed(): boolean {
    return this.nodes.every(({ flood }) =>
      this.nodes.every((a) => {
        const seen = flood.graph.neighbours(toHex(a.identity.key)).map(({ keyText }) => keyText);
        return this.nodes.every((b) => seen.includes(textOf(b)) === this.isUp(a, b));
      }),
    );
  }

  private isUp(a: FloodNode, b: FloodNode): boolean {
    return this.up.has(`${a.index} ${b.index}`);
  }

  private send(from: FloodNode, to: FloodNode, message: Uint8Array): boolean {
    if (!this.isUp(from, to)) return false;
    const copy = message.slice();
    this.sent.push({ from, to, at: this.now, records: parseRecords(copy) ?? [], acks: parseRecordsAck(copy) ?? [] });
    const delay = this.delayOf(from, to);
    if (delay === undefined) return true;
    this.heap.add(this.now + delay, () => {
      if (this.isUp(from, to)) to.flood.receive(from.index as LinkId, copy, this.now);
    });
    return true;
  }
}

const identities: Identity[] = [];
/** Key pairs are dear to make; every network uses the same ones. */
export function identityOf(index: number): Identity {
  while (identities.length <= index) {
    const secret = new Uint8Array(32);
    new SeededRandom(identities.length, 'node secret').fill(secret);
    identities.push(createIdentity(nobleCurve, secret as SecretKey));
  }
  return identities[index];
}

export function textOf(node: FloodNode): string {
  return Buffer.from(node.identity.key).toString('hex');
}

const random = new SeededRandom(1, 'signatures');

/** A signed record of any of the identities. */
export function recordOf(index: number, fields: Partial<NodeRecord> = {}): Uint8Array {
  const identity = identityOf(index);
  const expiry = WALL_START_MS / 1000 + 100;
  const record = {
    node: identity.key,
    sequence: WALL_START_MS,
    expiry,
    services: [],
    links: [],
    proofs: [],
    ...fields,
  };
  return signRecord(nobleCurve, identity, random, record);
}
