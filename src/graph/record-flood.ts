/**
 * Spreads signed records: the node's own to its neighbours, and what one neighbour says on to the others, at most 10
 * hops from its origin (docs/protocol.md section 7).
 *
 * Every record that arrives is acknowledged, whether it is kept or not, so that the neighbour stops repeating it. Two
 * are not: one that is wrongly signed, itself or a proof in it, and one beyond the number of signatures that are checked for a link in a
 * second; the neighbour repeats it, and its turn comes. A record that is known with the same sequence is compared, not
 * checked again; nor is a proof that stood in the record before.
 *
 * A neighbour that comes with an old record is given the newer one back. This way a node whose clock was set back
 * hears the record that it sent before, and signs the next one above it.
 *
 * Timers: expired records are looked for when the first of them may have expired, every second at most; own-record.ts says when the own record is signed;
 * neighbour-feed.ts when records are repeated; `changed` follows a change at once, then at most every 100 ms.
 */
import { equal, toHex } from '../base/bytes.ts';
import type { Drops } from '../base/drops.ts';
import { NEVER, type RandomSource } from '../base/env.ts';
import type { KeyText, LinkId, NodeKey, ServiceKey } from '../base/ids.ts';
import type { Curve } from '../crypto/curve.ts';
import type { Identity } from '../crypto/identity.ts';
import {
  CHANNEL0_KIND,
  encodeRecords,
  encodeRecordsAck,
  parseRecords,
  parseRecordsAck,
  type RecordEntry,
  recordEntryBytes,
} from '../wire/channel0.ts';
import { encodeGatewayAdvert, type GatewayAdvert } from '../wire/gateway-advert.ts';
import type { Proof } from '../wire/proof.ts';
import { GATEWAY_SERVICE_KIND, type NodeRecord, sameStatement } from '../wire/record.ts';
import { Graph } from './graph.ts';
import { HeardRecord } from './heard-record.ts';
import { NeighbourFeed } from './neighbour-feed.ts';
import { type LinkMeasurement, OwnRecord } from './own-record.ts';
import { isProofSigned } from './proof-signature.ts';
import { type RecordReader, recordReader } from './record-reader.ts';
import { signRecord } from './record-signature.ts';
import { type NewRecord, OWN, RecordStore, type StoredRecord } from './record-store.ts';
import { GRAPH_TUNING, type GraphTuning, MAX_EXPIRY_AHEAD_MS, NATIVE_CURVE_TUNING, RECORD_HOPS } from './tuning.ts';

export interface RecordFloodOptions {
  readonly identity: Identity;
  readonly curve: Curve;
  readonly random: RandomSource;
  readonly drops: Drops;
  /** Unix ms. */
  readonly wallMs: () => number;
  /** Sends a channel-0 message; false when the link has no room, which counts as lost. */
  readonly send: (link: LinkId, message: Uint8Array) => boolean;
  /** The graph is not what it was: nodes, links, round trips or services. Called from `drain`. */
  readonly changed: (now: number) => void;
  readonly tuning?: Partial<GraphTuning>;
  /** Left out: each record is read and checked for this node alone. */
  readonly reader?: RecordReader;
}

export class RecordFlood {
  readonly graph: Graph;
  private readonly o: RecordFloodOptions;
  private readonly tuning: GraphTuning;
  private readonly store: RecordStore;
  private readonly reader: RecordReader;
  private readonly own: OwnRecord;
  private readonly ownKey: KeyText;
  private readonly feeds = new Map<LinkId, NeighbourFeed>();
  private expireAt = NEVER;
  private hasChanged = false;
  private changedAt = Number.NEGATIVE_INFINITY;

  constructor(o: RecordFloodOptions) {
    this.o = o;
    const byCurve = o.curve.name === 'libsecp256k1' ? NATIVE_CURVE_TUNING : undefined;
    this.tuning = { ...GRAPH_TUNING, ...byCurve, ...o.tuning };
    this.store = new RecordStore(this.tuning.maxRecords);
    this.graph = new Graph(this.store);
    this.reader = o.reader ?? recordReader(o.curve);
    this.own = new OwnRecord(o.identity.key, o.wallMs, o.random, this.tuning);
    this.ownKey = toHex(o.identity.key);
  }

  /** This node is a gateway, and what it says of itself as such; once more when that changes. */
  setGateway(key: ServiceKey, advert: GatewayAdvert): void {
    this.own.setServices([{ kind: GATEWAY_SERVICE_KIND, key, advert: encodeGatewayAdvert(advert) }]);
  }

  /** That this node is reached from the internet, as others signed it; at most 2. */
  setProofs(proofs: readonly Proof[]): void {
    this.own.setProofs(proofs);
  }

  /** What this node takes for what it passes on, satoshi for 10^9 bytes. */
  setPrice(price: number): void {
    this.own.setPrice(price);
  }

  /** What a link measured; may be told as often as it is known. */
  setMeasurement(link: LinkId, measured: LinkMeasurement): void {
    this.own.setMeasurement(link, measured);
  }

  /** Whether what this node sends on a link takes a back channel, so that nobody's back channel takes that link. */
  setDetour(link: LinkId, detour: boolean): void {
    this.own.setDetour(link, detour);
  }

  /** The neighbour is told everything that still has hops to go, the own record first. */
  linkUp(link: LinkId, peer: NodeKey, now: number): void {
    const feed = new NeighbourFeed(link, toHex(peer), this.o.random, this.tuning);
    this.feeds.set(link, feed);
    this.own.addLink(link, peer);
    const own = this.store.get(this.ownKey);
    if (own !== undefined) this.offer(feed, own, true, now);
    for (const stored of this.store.values()) if (stored !== own) this.offer(feed, stored, true, now);
  }

  linkDown(link: LinkId, _peer: NodeKey, _now: number): void {
    this.feeds.delete(link);
    this.own.removeLink(link);
  }

  /** RECORDS or RECORDS_ACK, kind byte included. */
  receive(link: LinkId, message: Uint8Array, now: number): void {
    const feed = this.feeds.get(link);
    if (feed === undefined) this.o.drops.count('graph-link-unknown');
    else if (message[0] === CHANNEL0_KIND.recordsAck) this.receiveAcks(feed, message);
    else {
      const entries = parseRecords(message);
      if (entries === undefined || entries.length === 0) this.o.drops.count('graph-records-malformed');
      for (const entry of entries ?? []) this.hear(feed, entry, now);
    }
  }

  wake(now: number): void {
    if (now < this.expireAt) return;
    for (const stored of this.store.expire(now)) {
      for (const feed of this.feeds.values()) feed.withdraw(stored.heard.key);
      this.o.drops.count('graph-record-expired');
      this.hasChanged = true;
    }
    this.expireAt = Math.max(this.store.nextExpiry(), now + this.tuning.expiryCheckEveryMs);
  }

  nextWakeAt(): number {
    let at = Math.min(this.own.nextSignAt(), this.expireAt);
    if (this.hasChanged) at = Math.min(at, this.changedAt + this.tuning.changedEveryMs);
    for (const feed of this.feeds.values()) at = Math.min(at, feed.nextDueAt());
    return at;
  }

  /** Signs, sends and tells what is due. */
  drain(now: number): void {
    if (now >= this.own.nextSignAt()) this.signOwn(now);
    for (const feed of this.feeds.values()) {
      this.sendAcks(feed, now);
      this.sendRecords(feed, now);
    }
    if (this.hasChanged && now >= this.changedAt + this.tuning.changedEveryMs) {
      this.hasChanged = false;
      this.changedAt = now;
      this.o.changed(now);
    }
  }

  private signOwn(now: number): void {
    const { curve, identity, random } = this.o;
    const record = this.own.next(now, this.store.size);
    const heard = new HeardRecord(record, signRecord(curve, identity, random, record));
    // The own record does not expire here: it is renewed before it does elsewhere.
    this.keep({ heard, from: OWN, expiresAt: NEVER, hopsToGive: RECORD_HOPS }, now);
  }

  private hear(feed: NeighbourFeed, entry: RecordEntry, now: number): void {
    const heard = this.reader.read(entry.record);
    if (heard === undefined || entry.hopsLeft < 1 || entry.hopsLeft > RECORD_HOPS) {
      this.o.drops.count('graph-record-malformed');
      return;
    }
    const known = this.store.get(heard.key);
    if (known !== undefined && heard.record.sequence <= known.heard.record.sequence)
      this.hearKnown(feed, entry.hopsLeft, heard, known, now);
    else if (heard.key === this.ownKey) this.hearOwn(feed, heard, now);
    else this.hearNew(feed, entry.hopsLeft, heard, now);
  }

  /** A record no newer than the one that is held. */
  private hearKnown(feed: NeighbourFeed, hopsLeft: number, heard: HeardRecord, known: StoredRecord, now: number): void {
    const { key, record, bytes } = known.heard;
    this.acknowledge(feed, known.heard.addressHash, heard.record.sequence, now);
    if (heard.record.sequence < record.sequence) {
      this.o.drops.count('graph-record-stale');
      feed.offer(key, record.sequence, Math.max(1, known.hopsToGive), true, now);
      return;
    }
    if (heard !== known.heard && !equal(heard.bytes, bytes)) {
      this.o.drops.count('graph-record-forked');
      return;
    }
    // Where the neighbour has it over a longer way than this node's, it is told still: from there it may go on farther.
    if (known.hopsToGive - 1 <= hopsLeft) feed.withdraw(key);
    // It came over a longer way first: from here it may go on farther.
    if (hopsLeft - 1 <= known.hopsToGive) return;
    known.hopsToGive = hopsLeft - 1;
    this.spread(known, feed.link, true, now);
  }

  /** A record of this node that it does not know of: signed before its clock was set back. */
  private hearOwn(feed: NeighbourFeed, heard: HeardRecord, now: number): void {
    if (!this.mayVerify(feed, now) || !this.verify(heard)) return;
    this.own.jumpAbove(heard.record.sequence);
  }

  private hearNew(feed: NeighbourFeed, hopsLeft: number, heard: HeardRecord, now: number): void {
    if (!this.mayVerify(feed, now)) return;
    const { key, record, addressHash } = heard;
    const aheadMs = record.expiry * 1000 - this.o.wallMs();
    if (aheadMs <= 0 || aheadMs > MAX_EXPIRY_AHEAD_MS) {
      this.o.drops.count('graph-record-expiry');
      this.acknowledge(feed, addressHash, record.sequence, now);
      return;
    }
    const hopsToGive = hopsLeft - 1;
    const known = this.store.get(key);
    const place = known === undefined ? this.store.placeFor(key, feed.link, hopsToGive, this.own.neighbours()) : 'free';
    if (place === undefined) {
      this.o.drops.count('graph-store-full');
      this.acknowledge(feed, addressHash, record.sequence, now);
      return;
    }
    if (!this.verify(heard) || !this.verifyProofs(feed, record, known?.heard.record, now)) return;
    if (place !== 'free') this.evict(place);
    this.keep({ heard, from: feed.link, expiresAt: now + aheadMs, hopsToGive }, now);
    feed.withdraw(key);
    this.acknowledge(feed, addressHash, record.sequence, now);
  }

  /** Stores a record that is new here and passes it on. */
  private keep(entry: NewRecord, now: number): void {
    const { heard, from } = entry;
    const known = this.store.get(heard.key);
    const isNews = known === undefined || !sameStatement(known.heard.bytes, heard.bytes);
    if (isNews) this.hasChanged = true;
    const stored = this.store.put(entry);
    this.expireAt = Math.min(this.expireAt, Math.max(stored.expiresAt, now + this.tuning.expiryCheckEveryMs));
    this.spread(stored, from, isNews, now);
  }

  private evict(stored: StoredRecord): void {
    this.o.drops.count('graph-record-evicted');
    this.store.remove(stored);
    for (const feed of this.feeds.values()) feed.withdraw(stored.heard.key);
    this.hasChanged = true;
  }

  private spread(stored: StoredRecord, except: LinkId | typeof OWN, isNews: boolean, now: number): void {
    for (const feed of this.feeds.values()) if (feed.link !== except) this.offer(feed, stored, isNews, now);
  }

  private offer(feed: NeighbourFeed, { heard, hopsToGive }: StoredRecord, isNews: boolean, now: number): void {
    if (hopsToGive === 0 || heard.key === feed.peer) feed.withdraw(heard.key);
    else feed.offer(heard.key, heard.record.sequence, hopsToGive, isNews, now);
  }

  private mayVerify(feed: NeighbourFeed, now: number): boolean {
    if (feed.verifications.take(now)) return true;
    this.o.drops.count('graph-verify-rate');
    return false;
  }

  private verify(heard: HeardRecord): boolean {
    if (this.reader.isSigned(heard)) return true;
    this.o.drops.count('graph-signature');
    return false;
  }

  /** What is new of its proofs; each counts as a signature of the neighbour's. */
  private verifyProofs(feed: NeighbourFeed, record: NodeRecord, known: NodeRecord | undefined, now: number): boolean {
    for (const proof of record.proofs) {
      if (known?.proofs.some(({ bytes }) => equal(bytes, proof.bytes))) continue;
      if (!this.mayVerify(feed, now)) return false;
      if (isProofSigned(this.o.curve, record.node, proof)) continue;
      this.o.drops.count('graph-proof-signature');
      return false;
    }
    return true;
  }

  private acknowledge(feed: NeighbourFeed, hash: Uint8Array, sequence: number, now: number): void {
    feed.acknowledge({ addressHash: hash, sequence }, now);
    this.sendAcks(feed, now);
  }

  private receiveAcks(feed: NeighbourFeed, message: Uint8Array): void {
    const acks = parseRecordsAck(message);
    if (acks === undefined || acks.length === 0) this.o.drops.count('graph-records-malformed');
    for (const ack of acks ?? []) {
      const stored = this.store.byAddress(ack.addressHash);
      if (stored !== undefined) feed.acknowledged(stored.heard.key, ack.sequence);
      else this.o.drops.count('graph-ack-unknown');
    }
  }

  private sendAcks(feed: NeighbourFeed, now: number): void {
    const acks = feed.takeAcks(now);
    if (acks.length > 0) this.o.send(feed.link, encodeRecordsAck(acks));
  }

  private sendRecords(feed: NeighbourFeed, now: number): void {
    let entries: RecordEntry[] = [];
    let bytes = 1;
    for (const { key, hopsLeft } of feed.takeDue(now)) {
      const stored = this.store.get(key);
      if (stored === undefined) continue;
      const record = stored.heard.bytes;
      const entryBytes = recordEntryBytes(record);
      if (entries.length > 0 && bytes + entryBytes > this.tuning.messageBytes) {
        this.o.send(feed.link, encodeRecords(entries));
        entries = [];
        bytes = 1;
      }
      entries.push({ hopsLeft, record });
      bytes += entryBytes;
    }
    if (entries.length > 0) this.o.send(feed.link, encodeRecords(entries));
  }
}
