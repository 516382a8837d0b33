/**
 * The records that this node holds: its own and those heard from others, at most 4,096 (docs/protocol.md section 7).
 *
 * Anybody can make up nodes by the thousand and sign their records rightly, so what to keep when the store is full
 * must not depend on what a record says. A record is charged to the link that brought its node first, for as long as
 * the node is held. When the store is full,
 *
 * - a newer record of a node that is held always replaces the old one;
 * - a neighbour's own record always finds room;
 * - a link that holds fewer records than the one with the most takes a place from that one;
 * - otherwise a newcomer takes the place only of a record of its own link that was to travel less far;
 * - this node and its neighbours are never evicted.
 *
 * So a flood through one link costs the others nothing that they hold below an equal share, and costs its own link only
 * newcomers from as far away or farther. What goes is the record with the fewest hops left, the latest of these.
 */
import { assert } from '../base/assert.ts';
import { toHex } from '../base/bytes.ts';
import type { KeyText, LinkId } from '../base/ids.ts';
import { addressHash } from '../crypto/address.ts';
import { type NodeRecord, type RecordLink, sameStatement } from '../wire/record.ts';
import type { GraphLink } from './graph-link.ts';

/** What the own record is charged to. */
export const OWN = undefined;

export interface StoredRecord {
  readonly key: KeyText;
  /** Of the node, for as long as it is held; then it is another's. */
  readonly number: number;
  readonly addressHash: Uint8Array;
  readonly record: NodeRecord;
  /** As signed. */
  readonly bytes: Uint8Array;
  /** What the record says of its links, by the neighbour's key. */
  readonly links: ReadonlyMap<KeyText, RecordLink>;
  /** The links that both ends tell of, kept up to date with the records of both. */
  neighbours: GraphLink[];
  readonly chargedTo: LinkId | typeof OWN;
  /** Monotonic ms. Counted from arrival, so that a clock that is set does not empty the store. */
  readonly expiresAt: number;
  /** Hops left that it is passed on with; 0: not passed on. */
  hopsToGive: number;
}

/** What there is to know of a record to be stored. */
export interface NewRecord {
  readonly key: KeyText;
  readonly record: NodeRecord;
  readonly bytes: Uint8Array;
  readonly from: LinkId | typeof OWN;
  readonly expiresAt: number;
  readonly hopsToGive: number;
}

export class RecordStore {
  private readonly maxRecords: number;
  /** In the order in which their nodes were first heard of. */
  private readonly records = new Map<KeyText, StoredRecord>();
  /** By number; a hole is given out again. */
  private readonly numbered: (StoredRecord | undefined)[] = [];
  private readonly holes: number[] = [];
  private readonly keyByAddress = new Map<string, KeyText>();
  private readonly charges = new Map<LinkId | typeof OWN, number>();

  constructor(maxRecords: number) {
    this.maxRecords = maxRecords;
  }

  get size(): number {
    return this.records.size;
  }

  get(key: KeyText): StoredRecord | undefined {
    return this.records.get(key);
  }

  /** Numbers are below this. */
  get bound(): number {
    return this.numbered.length;
  }

  /** The record of a node that is held, by its number. */
  at(number: number): StoredRecord {
    const stored = this.numbered[number];
    assert(stored !== undefined, 'a node that is held');
    return stored;
  }

  /** By the 20 bytes of an address. */
  byAddress(hash: Uint8Array): StoredRecord | undefined {
    const key = this.keyByAddress.get(toHex(hash));
    return key === undefined ? undefined : this.records.get(key);
  }

  values(): Iterable<StoredRecord> {
    return this.records.values();
  }

  /**
   * Whether a record of a node that is not held has a place: `free`, the record to evict for it, or undefined. Nothing
   * is evicted here: the signature may turn out wrong. `neighbours` are the keys of the neighbours that are up.
   */
  placeFor(
    key: KeyText,
    from: LinkId,
    hopsToGive: number,
    neighbours: ReadonlySet<KeyText>,
  ): 'free' | StoredRecord | undefined {
    if (this.records.size < this.maxRecords) return 'free';
    const richest = this.richestLink();
    if (richest === OWN) return undefined;
    const mayTake = neighbours.has(key) || this.chargeOf(from) + 1 < this.chargeOf(richest);
    if (mayTake) return this.leastOf(richest, neighbours, Number.POSITIVE_INFINITY);
    return this.leastOf(from, neighbours, hopsToGive);
  }

  /** Stores a record, in place of the one of the same node if there is one. */
  put(entry: NewRecord): StoredRecord {
    const { key, record, bytes, from, expiresAt, hopsToGive } = entry;
    const known = this.records.get(key);
    const chargedTo = known === undefined ? from : known.chargedTo;
    if (known === undefined) this.charges.set(chargedTo, this.chargeOf(chargedTo) + 1);
    const hash = known?.addressHash ?? addressHash(record.node);
    const links = new Map(record.links.map((link) => [toHex(link.key), link]));
    const neighbours: GraphLink[] = [];
    const number = known?.number ?? this.holes.pop() ?? this.numbered.length;
    const stored = {
      key,
      number,
      addressHash: hash,
      record,
      bytes,
      links,
      neighbours,
      chargedTo,
      expiresAt,
      hopsToGive,
    };
    this.records.set(key, stored);
    this.numbered[number] = stored;
    this.keyByAddress.set(toHex(hash), key);
    if (known !== undefined && sameStatement(known.bytes, bytes)) stored.neighbours = known.neighbours;
    else {
      if (known !== undefined) this.unlink(known);
      this.link(stored);
    }
    return stored;
  }

  remove(stored: StoredRecord): void {
    this.unlink(stored);
    this.numbered[stored.number] = undefined;
    this.holes.push(stored.number);
    this.records.delete(stored.key);
    this.keyByAddress.delete(toHex(stored.addressHash));
    const charge = this.chargeOf(stored.chargedTo) - 1;
    if (charge === 0) this.charges.delete(stored.chargedTo);
    else this.charges.set(stored.chargedTo, charge);
  }

  /** Removes what has expired; the records that went. */
  expire(now: number): StoredRecord[] {
    const expired = [...this.records.values()].filter((stored) => stored.expiresAt <= now);
    for (const stored of expired) this.remove(stored);
    return expired;
  }

  /** Links of a record that is new here, at both ends. */
  private link(stored: StoredRecord): void {
    for (const [keyText, said] of stored.links) {
      const other = this.records.get(keyText);
      const saidByOther = other?.links.get(stored.key);
      if (other === undefined || saidByOther === undefined || other === stored) continue;
      const measures = {
        roundTripMs: Math.max(said.roundTripMs, saidByOther.roundTripMs),
        detour: said.detour || saidByOther.detour,
        rateKbps: lowerKnown(said.rateKbps, saidByOther.rateKbps),
        lossShare: Math.max(said.lossShare, saidByOther.lossShare),
        medium: said.medium === saidByOther.medium ? said.medium : 'unknown',
        price: (said.price + saidByOther.price) / 2,
      } as const;
      stored.neighbours.push({ key: other.record.node, keyText, number: other.number, ...measures });
      other.neighbours.push({
        key: stored.record.node,
        keyText: stored.key,
        number: stored.number,
        ...measures,
      });
    }
  }

  private unlink(stored: StoredRecord): void {
    for (const { keyText } of stored.neighbours) {
      const other = this.records.get(keyText);
      if (other !== undefined) other.neighbours = other.neighbours.filter((link) => link.keyText !== stored.key);
    }
  }

  private chargeOf(link: LinkId | typeof OWN): number {
    return this.charges.get(link) ?? 0;
  }

  private richestLink(): LinkId | typeof OWN {
    let richest: LinkId | typeof OWN;
    for (const link of this.charges.keys()) {
      if (link !== OWN && (richest === OWN || this.chargeOf(link) > this.chargeOf(richest))) richest = link;
    }
    return richest;
  }

  /** Of a link's records with fewer hops to give than `below`: one with the fewest, the latest of these. */
  private leastOf(link: LinkId, neighbours: ReadonlySet<KeyText>, below: number): StoredRecord | undefined {
    let least: StoredRecord | undefined;
    for (const stored of this.records.values()) {
      if (stored.chargedTo !== link || stored.hopsToGive >= below || neighbours.has(stored.key)) continue;
      if (least === undefined || stored.hopsToGive <= least.hopsToGive) least = stored;
    }
    return least;
  }
}

function lowerKnown(a: number, b: number): number {
  return a === 0 || b === 0 ? a + b : Math.min(a, b);
}
