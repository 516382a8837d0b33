/**
 * The neighbour that a node asks to have it probed (docs/protocol.md section 9.5). It knows from where the node's datagrams come, and picks
 * the prober: another neighbour, at random, that is on the internet with an address of its own, not linked with the node, and not one that the
 * node was asked to probe. The node has no say in who that is.
 *
 * A neighbour is listened to once in 10 s, twice at once; what a prober answers is passed on for 10 s.
 */
import { equal, toHex } from '../base/bytes.ts';
import type { Drops } from '../base/drops.ts';
import { type RandomSource, randomIndex } from '../base/env.ts';
import type { KeyText, NodeKey } from '../base/ids.ts';
import { TokenBucket } from '../base/token-bucket.ts';
import { encodeProbe } from '../wire/meeting.ts';
import { Contacts } from './contacts.ts';
import type { MessagePort } from './ports.ts';
import { areApart, reachOf } from './reach.ts';
import type { DiscoveryTuning } from './tuning.ts';

export interface ProbeBrokerOptions {
  readonly drops: Drops;
  readonly random: RandomSource;
  readonly messages: MessagePort;
  /** Where a neighbour is heard; undefined while its link is down. */
  readonly endpointOf: (key: NodeKey) => Uint8Array | undefined;
  /** Whether two nodes are known to be linked. */
  readonly areLinked: (a: NodeKey, b: NodeKey) => boolean;
  readonly tuning: DiscoveryTuning;
}

interface Asking {
  readonly key: NodeKey;
  readonly heard: TokenBucket;
  /** Whom it was asked to probe, and may have sent to. */
  readonly probed: Contacts;
  prober: NodeKey | undefined;
  until: number;
}

export class ProbeBroker {
  private readonly o: ProbeBrokerOptions;
  private readonly neighbours = new Map<KeyText, Asking>();

  constructor(options: ProbeBrokerOptions) {
    this.o = options;
  }

  linkUp(key: NodeKey): void {
    const { probedPerSecond, probedAtOnce } = this.o.tuning;
    const heard = new TokenBucket(probedPerSecond, probedAtOnce);
    this.neighbours.set(toHex(key), { key, heard, probed: new Contacts(this.o.tuning), prober: undefined, until: 0 });
  }

  linkDown(key: NodeKey): void {
    this.neighbours.delete(toHex(key));
  }

  /** PROBE_ME of a neighbour. */
  ask(from: NodeKey, now: number): void {
    const { drops, messages, tuning } = this.o;
    const asking = this.neighbours.get(toHex(from));
    if (asking === undefined || !asking.heard.take(now)) return drops.count('probe-asked-rate');
    const place = this.o.endpointOf(from);
    if (place === undefined || reachOf(place) !== 'world') return drops.count('probe-asked-place');
    const hasSentTo = (key: NodeKey) => this.o.areLinked(from, key) || asking.probed.has(key, now);
    const isOfUse = ({ key }: Asking) => this.isElsewhere(key, place) && !hasSentTo(key);
    const probers = [...this.neighbours.values()].filter(isOfUse);
    if (probers.length === 0) return drops.count('probe-asked-nobody');
    const { key: prober, probed } = probers[randomIndex(this.o.random) % probers.length];
    if (!messages.send(prober, encodeProbe(from, place))) return;
    probed.add(from, now);
    asking.prober = prober;
    asking.until = now + tuning.probeAnswerMs;
  }

  /** PROOF of a prober for another node, to be passed on as it came. */
  proof(from: NodeKey, node: NodeKey, message: Uint8Array, now: number): void {
    const { drops, messages } = this.o;
    const asking = this.neighbours.get(toHex(node));
    const isAwaited = asking?.prober !== undefined && equal(asking.prober, from) && now < asking.until;
    if (asking === undefined || !isAwaited) return drops.count('proof-unasked');
    asking.prober = undefined;
    messages.send(asking.key, message);
  }

  /** On the internet, and of the same protocol, but not behind the same address. */
  private isElsewhere(key: NodeKey, place: Uint8Array): boolean {
    const endpoint = this.o.endpointOf(key);
    return endpoint !== undefined && reachOf(endpoint) === 'world' && areApart(endpoint, place);
  }
}
