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
import { NEVER } from '../base/env.ts';
import type { KeyText, LinkId } from '../base/ids.ts';
import { sameStatement } from '../wire/record.ts';
import type { GraphLink } from './graph-link.ts';
import type { HeardRecord } from './heard-record.ts';

/** What the own record is charged to. */
export const OWN = undefined;

/** What there is to know of a record to be stored. */
export interface NewRecord {
  readonly heard: HeardRecord;
  readonly from: LinkId | typeof OWN;
  readonly expiresAt: number;
  readonly hopsToGive: number;
}

export interface StoredRecord {
  readonly heard: HeardRecord;
  /** Of the node, for as long as it is held; then it is another's. */
  readonly number: number;
  /** The links that both ends tell of; undefined until somebody asks, and again when one of their records says something else. */
  neighbours: readonly GraphLink[] | undefined;
  readonly chargedTo: LinkId | typeof OWN;
  /** Monotonic ms. Counted from arrival, so that a clock that is set does not empty the store. */
  readonly expiresAt: number;
  /** Hops left that it is passed on with; 0: not passed on. */
  hopsToGive: number;
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
  put({ heard, from, expiresAt, hopsToGive }: NewRecord): StoredRecord {
    const { key } = heard;
    const known = this.records.get(key);
    const chargedTo = known === undefined ? from : known.chargedTo;
    const number = known?.number ?? this.holes.pop() ?? this.numbered.length;
    const stored: StoredRecord = { heard, number, neighbours: known?.neighbours, chargedTo, expiresAt, hopsToGive };
    this.records.set(key, stored);
    this.numbered[number] = stored;
    if (known === undefined) {
      this.charges.set(chargedTo, this.chargeOf(chargedTo) + 1);
      this.keyByAddress.set(heard.addressText, key);
    }
    if (known === undefined || !sameStatement(known.heard.bytes, heard.bytes)) {
      if (known !== undefined) this.forgetLinks(known);
      this.forgetLinks(stored);
    }
    return stored;
  }

  remove(stored: StoredRecord): void {
    const { key, addressText } = stored.heard;
    this.forgetLinks(stored);
    this.numbered[stored.number] = undefined;
    this.holes.push(stored.number);
    this.records.delete(key);
    this.keyByAddress.delete(addressText);
    const charge = this.chargeOf(stored.chargedTo) - 1;
    if (charge === 0) this.charges.delete(stored.chargedTo);
    else this.charges.set(stored.chargedTo, charge);
  }

  /** Removes what has expired; the records that went. */
  expire(now: number): StoredRecord[] {
    const expired: StoredRecord[] = [];
    for (const stored of this.records.values()) if (stored.expiresAt <= now) expired.push(stored);
    for (const stored of expired) this.remove(stored);
    return expired;
  }

  /** When the first of those that are held expires; NEVER: none does. */
  nextExpiry(): number {
    let first = NEVER;
    for (const { expiresAt } of this.records.values()) first = Math.min(first, expiresAt);
    return first;
  }

  /** The links of a node that is held, as both ends of each tell of them. */
  neighboursOf(stored: StoredRecord): readonly GraphLink[] {
    stored.neighbours ??= this.linksOf(stored);
    return stored.neighbours;
  }

  private linksOf({ heard }: StoredRecord): GraphLink[] {
    const links: GraphLink[] = [];
    for (const [keyText, said] of heard.links) {
      const other = this.records.get(keyText);
      const saidByOther = other?.heard.links.get(heard.key);
      if (other === undefined || saidByOther === undefined || keyText === heard.key) continue;
      links.push({
        key: other.heard.record.node,
        keyText: other.heard.key,
        number: other.number,
        roundTripMs: Math.max(said.roundTripMs, saidByOther.roundTripMs),
        detour: said.detour || saidByOther.detour,
        rateKbps: lowerKnown(said.rateKbps, saidByOther.rateKbps),
        lossShare: Math.max(said.lossShare, saidByOther.lossShare),
        medium: said.medium === saidByOther.medium ? said.medium : 'unknown',
        price: (said.price + saidByOther.price) / 2,
      });
    }
    return links;
  }

  /** Of both ends of what a record claims. */
  private forgetLinks(stored: StoredRecord): void {
    stored.neighbours = undefined;
    for (const keyText of stored.heard.links.keys()) {
      const other = this.records.get(keyText);
      if (other !== undefined) other.neighbours = undefined;
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
      if (stored.chargedTo !== link || stored.hopsToGive >= below || neighbours.has(stored.heard.key)) continue;
      if (least === undefined || stored.hopsToGive <= least.hopsToGive) least = stored;
    }
    return least;
  }
}

function lowerKnown(a: number, b: number): number {
  return a === 0 || b === 0 ? a + b : Math.min(a, b);
}
