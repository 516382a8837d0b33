/**
 * The neighbour that two others have in common: it hears whom each of them seeks, and when they seek each other it tells both, at the same
 * time, where the other one is (docs/protocol.md section 9.4). Then both call, and each opens its address translation for the other.
 *
 * It tells of nobody who does not ask for the same, except of who has it proven that the internet reaches him (section 9.5), and only addresses from which an authentic datagram came. It keeps what each neighbour said
 * last, 32 hashes at most, until its link goes down. A neighbour is listened to twice a second at most.
 */
import { toHex } from '../base/bytes.ts';
import type { Drops } from '../base/drops.ts';
import type { KeyText, NodeKey } from '../base/ids.ts';
import { TokenBucket } from '../base/token-bucket.ts';
import { addressHash } from '../crypto/address.ts';
import { encodeMeet, parseSeek } from '../wire/meeting.ts';
import type { MessagePort } from './ports.ts';
import { isOfUseTo } from './reach.ts';
import type { DiscoveryTuning } from './tuning.ts';

export interface IntroducerOptions {
  readonly drops: Drops;
  readonly messages: MessagePort;
  /** Where a neighbour is heard; undefined while its link is down. */
  readonly endpointOf: (key: NodeKey) => Uint8Array | undefined;
  /** Whether a neighbour wants to be found by anybody. */
  readonly isOpen: (key: NodeKey, now: number) => boolean;
  readonly tuning: DiscoveryTuning;
}

interface Seeking {
  readonly key: NodeKey;
  readonly hash: string;
  readonly heard: TokenBucket;
  /** Address hashes. */
  sought: ReadonlySet<string>;
}

export class Introducer {
  private readonly o: IntroducerOptions;
  private readonly neighbours = new Map<KeyText, Seeking>();
  private readonly byHash = new Map<string, Seeking>();

  constructor(options: IntroducerOptions) {
    this.o = options;
  }

  linkUp(key: NodeKey): void {
    const { soughtPerSecond, soughtAtOnce } = this.o.tuning;
    const hash = toHex(addressHash(key));
    const seeking = { key, hash, heard: new TokenBucket(soughtPerSecond, soughtAtOnce), sought: new Set<string>() };
    this.neighbours.set(toHex(key), seeking);
    this.byHash.set(hash, seeking);
  }

  linkDown(key: NodeKey): void {
    const seeking = this.neighbours.get(toHex(key));
    if (seeking === undefined) return;
    this.neighbours.delete(toHex(key));
    this.byHash.delete(seeking.hash);
  }

  /** SEEK of a neighbour. */
  receive(from: NodeKey, message: Uint8Array, now: number): void {
    const { drops } = this.o;
    const seeking = this.neighbours.get(toHex(from));
    const hashes = parseSeek(message);
    if (hashes === undefined) return drops.count('seek-malformed');
    if (seeking === undefined || !seeking.heard.take(now)) return drops.count('seek-rate');
    seeking.sought = new Set(hashes.map(toHex));
    for (const hash of seeking.sought) {
      const other = this.byHash.get(hash);
      if (other === undefined || other === seeking) continue;
      const isMutual = other.sought.has(seeking.hash);
      if (isMutual) this.tell(other, seeking);
      if (isMutual || this.o.isOpen(other.key, now)) this.tell(seeking, other);
    }
  }

  /** Tells one where the other is, if that means anything where he is. */
  private tell(to: Seeking, of: Seeking): void {
    const [listener, place] = [this.o.endpointOf(to.key), this.o.endpointOf(of.key)];
    if (listener === undefined || place === undefined || !isOfUseTo(listener, place)) return;
    this.o.messages.send(to.key, encodeMeet(of.key, place));
  }
}
