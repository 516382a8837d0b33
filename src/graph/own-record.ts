/**
 * What this node says of itself, and when it says it anew (docs/protocol.md section 7): at once the first time, then
 * when links, services or proofs change but at most once a second; when only measurements change, and by much, at most every 10
 * s; and every 60 s in any case. Where more than 600 nodes are known the latter two take longer, 100 ms and 17 ms a node, so that what all of them say together
 * stays the same for whoever has to hear it.
 */
import { equal, toHex } from '../base/bytes.ts';
import { NEVER, type RandomSource, randomBytes } from '../base/env.ts';
import type { KeyText, LinkId, NodeKey } from '../base/ids.ts';
import type { Medium } from '../wire/link-class.ts';
import type { Proof } from '../wire/proof.ts';
import { type NodeRecord, RECORD_MAX_LINKS, type RecordService } from '../wire/record.ts';
import { type GraphTuning, RENEWALS_IN_LIFE, SIGN_EVERY_MS } from './tuning.ts';

interface OwnLink {
  readonly key: NodeKey;
  readonly keyText: KeyText;
  /** Undefined until it is measured. */
  measured: LinkMeasurement | undefined;
  /** What is sent on it takes a back channel. */
  detour: boolean;
  /** As in the record that is out, undefined when it is not in there or was a guess. */
  said: LinkMeasurement | undefined;
}

/** What is known of a link of this node. */
export interface LinkMeasurement {
  readonly roundTripMs: number;
  /** 0: unknown. */
  readonly rateKbps: number;
  readonly lossShare: number;
  readonly medium: Medium;
}

export class OwnRecord {
  private readonly node: NodeKey;
  private readonly wallMs: () => number;
  private readonly random: RandomSource;
  private readonly tuning: GraphTuning;
  private services: readonly RecordService[] = [];
  private proofs: readonly Proof[] = [];
  private price = 0;
  private readonly links = new Map<LinkId, OwnLink>();
  private lastSequence = 0;
  private signedAt = Number.NEGATIVE_INFINITY;
  private renewAt = NEVER;
  private measureAgainAt = NEVER;
  /** Links, services or proofs are not as the record that is out says. */
  private changed = false;

  constructor(node: NodeKey, wallMs: () => number, random: RandomSource, tuning: GraphTuning) {
    this.node = node;
    this.wallMs = wallMs;
    this.random = random;
    this.tuning = tuning;
  }

  /** Keys of the neighbours that are up. */
  neighbours(): ReadonlySet<KeyText> {
    return new Set([...this.links.values()].map((link) => link.keyText));
  }

  /** At most 8. */
  setServices(services: readonly RecordService[]): void {
    if (isSame(this.services, services)) return;
    this.services = services;
    this.changed = true;
  }

  /** At most 2. */
  setProofs(proofs: readonly Proof[]): void {
    this.proofs = proofs;
    this.changed = true;
  }

  /** Satoshi for 10^9 bytes that this node passes on. */
  setPrice(price: number): void {
    if (price === this.price) return;
    this.price = price;
    this.changed = true;
  }

  addLink(link: LinkId, key: NodeKey): void {
    this.links.set(link, { key, keyText: toHex(key), measured: undefined, detour: false, said: undefined });
    this.changed = true;
  }

  removeLink(link: LinkId): void {
    if (this.links.delete(link)) this.changed = true;
  }

  /** Nothing happens for a link that is not up. */
  setMeasurement(link: LinkId, measured: LinkMeasurement): void {
    const own = this.links.get(link);
    if (own !== undefined) own.measured = measured;
  }

  /** Nothing happens for a link that is not up. */
  setDetour(link: LinkId, detour: boolean): void {
    const own = this.links.get(link);
    if (own === undefined || own.detour === detour) return;
    own.detour = detour;
    this.changed = true;
  }

  /** Somebody holds a record of this node with this sequence: the next one goes above it. */
  jumpAbove(sequence: number): void {
    if (sequence <= this.lastSequence) return;
    this.lastSequence = sequence;
    this.changed = true;
  }

  /** When the next record is to be signed; NEVER before there is anything to say. */
  nextSignAt(): number {
    if (this.changed) return this.signedAt + SIGN_EVERY_MS;
    return this.measureAgainAt < this.renewAt && this.measurementsMoved() ? this.measureAgainAt : this.renewAt;
  }

  /** The record as of now, for signing. More than 64 links: those that came up first. @param known how many nodes there are, as far as this one knows */
  next(now: number, known: number): NodeRecord {
    const wallMs = Math.floor(this.wallMs());
    const { renewAfterMs, renewAfterMsPerNode, renewSpreadShare, measurementShare } = this.tuning;
    const renewMs = Math.max(renewAfterMs, known * renewAfterMsPerNode);
    this.renewAt = now + renewMs * (1 - (renewSpreadShare * randomBytes(this.random, 1)[0]) / 256);
    this.measureAgainAt = now + measurementShare * renewMs;
    this.lastSequence = Math.max(wallMs, this.lastSequence + 1);
    this.signedAt = now;
    this.changed = false;
    const links = [...this.links.values()].slice(0, RECORD_MAX_LINKS).map((link) => {
      link.said = link.measured;
      return { key: link.key, detour: link.detour, price: this.price, ...(link.measured ?? this.unknown) };
    });
    const expiry = Math.floor((wallMs + RENEWALS_IN_LIFE * renewMs) / 1000);
    const { node, lastSequence: sequence, services, proofs } = this;
    return { node, sequence, expiry, services, links, proofs };
  }

  private measurementsMoved(): boolean {
    for (const { measured, said } of this.links.values()) {
      if (measured !== undefined && this.isNews(measured, said ?? this.unknown)) return true;
    }
    return false;
  }

  private isNews(measured: LinkMeasurement, said: LinkMeasurement): boolean {
    if (measured.medium !== said.medium) return true;
    const { roundTripChangeMs, roundTripChangeRatio, rateChangeRatio, lossChangeShare } = this.tuning;
    const difference = Math.abs(measured.roundTripMs - said.roundTripMs);
    if (difference > roundTripChangeMs && difference > roundTripChangeRatio * said.roundTripMs) return true;
    const rates = [measured.rateKbps, said.rateKbps];
    if (Math.max(...rates) > rateChangeRatio * Math.min(...rates)) return true;
    return Math.abs(measured.lossShare - said.lossShare) > lossChangeShare;
  }

  private get unknown(): LinkMeasurement {
    return { roundTripMs: this.tuning.unknownRoundTripMs, rateKbps: 0, lossShare: 0, medium: 'unknown' };
  }
}

function isSame(a: readonly RecordService[], b: readonly RecordService[]): boolean {
  if (a.length !== b.length) return false;
  return a.every(({ kind, key, advert }, i) => {
    return kind === b[i].kind && equal(key, b[i].key) && equal(advert, b[i].advert);
  });
}
