/**
 * Has others find out whether this node is reached from the internet, and keeps what they signed for its record (docs/protocol.md section 9.5):
 * of two probers at most, each for 15 minutes.
 *
 * Timer: 5 s after a neighbour came, and then again after 30 s, doubling to 5 min, one neighbour after the other is asked, while there are fewer
 * than two proofs that are younger than half of their life; with two, when the older one is no more.
 */
import { equal, toHex } from '../base/bytes.ts';
import type { Drops } from '../base/drops.ts';
import { NEVER } from '../base/env.ts';
import type { KeyText, NodeKey } from '../base/ids.ts';
import type { Curve } from '../crypto/curve.ts';
import { isProofSigned } from '../graph/proof-signature.ts';
import { PROOF_LIFE_S } from '../graph/tuning.ts';
import { encodeProbeMe } from '../wire/meeting.ts';
import type { Proof } from '../wire/proof.ts';
import { RECORD_MAX_PROOFS } from '../wire/record.ts';
import type { MessagePort } from './ports.ts';
import type { DiscoveryTuning } from './tuning.ts';

export interface ReachabilityOptions {
  readonly self: NodeKey;
  readonly curve: Curve;
  readonly drops: Drops;
  readonly messages: MessagePort;
  /** Whether this node has sent to another one of late, whose way in may be open since. */
  readonly hasSentTo: (key: NodeKey, now: number) => boolean;
  /** What stands in this node's record from now on. */
  readonly proven: (proofs: readonly Proof[]) => void;
  readonly tuning: DiscoveryTuning;
}

interface HeldProof {
  readonly proof: Proof;
  /** Monotonic ms. */
  readonly at: number;
}

const LIFE_MS = PROOF_LIFE_S * 1_000;

export class Reachability {
  private readonly o: ReachabilityOptions;
  /** In turn: who was asked goes last. */
  private readonly neighbours = new Map<KeyText, NodeKey>();
  /** Oldest first. */
  private held: HeldProof[] = [];
  private askAt = NEVER;
  private waitMs: number;
  private asked: { readonly key: NodeKey; readonly until: number } | undefined;

  constructor(options: ReachabilityOptions) {
    this.o = options;
    this.waitMs = options.tuning.probeFirstWaitMs;
  }

  linkUp(key: NodeKey, now: number): void {
    const { probeAfterMs, probeFirstWaitMs } = this.o.tuning;
    this.neighbours.set(toHex(key), key);
    this.waitMs = probeFirstWaitMs;
    this.askAt = Math.max(this.freshAt(), Math.min(this.askAt, now + probeAfterMs));
  }

  linkDown(key: NodeKey): void {
    this.neighbours.delete(toHex(key));
  }

  /** PROOF of a neighbour, for this node. */
  proof(from: NodeKey, proof: Proof, now: number): void {
    const { self, curve, drops, hasSentTo } = this.o;
    const isAwaited = this.asked !== undefined && equal(this.asked.key, from) && now < this.asked.until;
    if (!isAwaited) return drops.count('proof-unasked');
    this.asked = undefined;
    if (equal(proof.prober, self) || !isProofSigned(curve, self, proof)) return drops.count('proof-signature');
    if (hasSentTo(proof.prober, now)) return drops.count('proof-contact');
    const isSame = (held: HeldProof) => equal(held.proof.prober, proof.prober);
    // The same prober again so soon says nothing new, and is not worth a record.
    if (this.held.some((held) => isSame(held) && now < held.at + LIFE_MS / 2)) return;
    this.hold([...this.held.filter((held) => !isSame(held)), { proof, at: now }].slice(-RECORD_MAX_PROOFS));
    this.askAt = Math.max(this.freshAt(), this.askAt);
  }

  wake(now: number): void {
    const living = this.held.filter(({ at }) => now < at + LIFE_MS);
    if (living.length < this.held.length) this.hold(living);
    if (now < this.askAt) return;
    const next = this.neighbours.values().next();
    if (next.done) {
      this.askAt = NEVER;
      return;
    }
    const key = next.value;
    this.neighbours.delete(toHex(key));
    this.neighbours.set(toHex(key), key);
    this.o.messages.send(key, encodeProbeMe());
    this.asked = { key, until: now + this.o.tuning.probeAnswerMs };
    this.askAt = now + this.waitMs;
    this.waitMs = Math.min(2 * this.waitMs, this.o.tuning.probeLastWaitMs);
  }

  nextWakeAt(): number {
    const [oldest] = this.held;
    return Math.min(this.askAt, oldest === undefined ? NEVER : oldest.at + LIFE_MS);
  }

  /** When another proof is of use. */
  private freshAt(): number {
    return this.held.length < RECORD_MAX_PROOFS ? 0 : this.held[0].at + LIFE_MS / 2;
  }

  private hold(held: HeldProof[]): void {
    this.held = held;
    this.o.proven(held.map(({ proof }) => proof));
  }
}
