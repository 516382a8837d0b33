/**
 * Finds out, when a neighbour asks, whether a node that this one has no dealings with answers at an address of the internet, and signs that it
 * does (docs/protocol.md section 9.5). The neighbour names the place, so it may be anybody's: 3 datagrams go there at most, for two
 * places a second in all at the start and one every two seconds in the long run.
 *
 * Timer: a node that answered and is no peer 2 s later is proven. One that calls this node meanwhile has opened its address translation for it,
 * and is a peer by then.
 */
import { equal } from '../base/bytes.ts';
import type { Drops } from '../base/drops.ts';
import { NEVER, type RandomSource } from '../base/env.ts';
import type { NodeKey } from '../base/ids.ts';
import { TokenBucket } from '../base/token-bucket.ts';
import type { Curve } from '../crypto/curve.ts';
import type { Identity } from '../crypto/identity.ts';
import { signProof } from '../graph/proof-signature.ts';
import { parseNodePlace } from '../wire/meeting.ts';
import { encodeProofMessage } from '../wire/proof.ts';
import type { Contacts } from './contacts.ts';
import type { MessagePort, PeerPort } from './ports.ts';
import { reachOf } from './reach.ts';
import type { DiscoveryTuning } from './tuning.ts';

export interface ProberOptions {
  readonly identity: Identity;
  readonly curve: Curve;
  readonly random: RandomSource;
  readonly drops: Drops;
  /** Unix ms. */
  readonly wallMs: () => number;
  readonly peers: PeerPort;
  /** Whom this node has sent to: those it probes are added. */
  readonly contacts: Contacts;
  readonly messages: MessagePort;
  readonly socketOf: (family: 4 | 6) => number | undefined;
  readonly tuning: DiscoveryTuning;
}

interface Answer {
  readonly askedBy: NodeKey;
  readonly node: NodeKey;
  readonly family: 4 | 6;
  readonly provenAt: number;
}

const MS_PER_SECOND = 1_000;

export class Prober {
  private readonly o: ProberOptions;
  private readonly probes: TokenBucket;
  /** The next one first. */
  private readonly answers: Answer[] = [];

  constructor(options: ProberOptions) {
    this.o = options;
    this.probes = new TokenBucket(options.tuning.probesPerSecond, options.tuning.probesAtOnce);
  }

  /** PROBE of a neighbour, who is told when the node answers, and nothing else. */
  receive(from: NodeKey, message: Uint8Array, now: number): void {
    const { drops, identity, peers } = this.o;
    const asked = parseNodePlace(message);
    if (asked === undefined || equal(asked.node, identity.key)) return drops.count('probe-malformed');
    const { node, family, endpoint } = asked;
    const socket = this.o.socketOf(family);
    if (socket === undefined || reachOf(endpoint) !== 'world') return drops.count('probe-place');
    // Its address translation may have been opened for this node.
    if (peers.stateOf(node) !== undefined) return drops.count('probe-known');
    if (!this.probes.take(now)) return drops.count('probe-rate');
    endpoint[0] = socket;
    const { probeSettleMs } = this.o.tuning;
    const isUnderWay = peers.probe(node, endpoint, (at) => {
      this.answers.push({ askedBy: from, node, family, provenAt: at + probeSettleMs });
    });
    if (isUnderWay) this.o.contacts.add(node, now);
    else drops.count('probe-rate');
  }

  wake(now: number): void {
    for (let next = this.answers[0]; next !== undefined && now >= next.provenAt; next = this.answers[0]) {
      this.answers.shift();
      if (this.o.peers.stateOf(next.node) === undefined) this.prove(next);
      else this.o.drops.count('probe-known');
    }
  }

  nextWakeAt(): number {
    return this.answers[0]?.provenAt ?? NEVER;
  }

  private prove({ askedBy, node, family }: Answer): void {
    const { curve, identity, random, wallMs, messages } = this.o;
    const time = Math.floor(wallMs() / MS_PER_SECOND);
    messages.send(askedBy, encodeProofMessage(node, signProof(curve, identity, random, { node, family, time })));
  }
}
