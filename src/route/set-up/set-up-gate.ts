/**
 * Decides about a set-up that came in over a link (docs/protocol.md section 5), cheapest test first: rate of the link,
 * the onion's HMAC, seen before, what the payload says, expiry, routes of the link.
 *
 * A set-up beyond the rate, with a wrong HMAC or seen before gets no answer: the first would cost a point
 * multiplication to answer, the second has no key to answer under, the third was answered already.
 */
import type { Drops } from '../../base/drops.ts';
import type { SecretKey } from '../../base/ids.ts';
import type { Curve } from '../../crypto/curve.ts';
import { sha256 } from '../../crypto/hash.ts';
import { peelOnion } from '../../crypto/sphinx.ts';
import { type LastHop, type MiddleHop, parseHopPayload } from '../../wire/hop-payload.ts';
import type { Neighbour } from '../neighbours.ts';
import { MAX_EXPIRY_AHEAD_SECONDS } from '../protocol-limits.ts';
import type { FailureName } from '../route-failure.ts';
import type { RouteTuning } from '../tuning.ts';
import { ReplayCache } from './replay-cache.ts';
import { SETUP_ASSOCIATED_DATA } from './set-up.ts';

export type Verdict =
  | { readonly kind: 'relay'; readonly hop: MiddleHop; readonly secret: Uint8Array; readonly next: Uint8Array }
  | { readonly kind: 'end'; readonly hop: LastHop; readonly secret: Uint8Array }
  | {
      readonly kind: 'failed';
      readonly failure: FailureName;
      readonly previousId: Uint8Array;
      readonly secret: Uint8Array;
    }
  /** Counted here. */
  | { readonly kind: 'dropped' };

const DROPPED: Verdict = { kind: 'dropped' };

export class SetUpGate {
  private readonly curve: Curve;
  private readonly nodeSecret: SecretKey;
  private readonly drops: Drops;
  private readonly wallMs: () => number;
  private readonly routesPerLink: number;
  private readonly replays: ReplayCache;

  constructor(o: {
    curve: Curve;
    nodeSecret: SecretKey;
    drops: Drops;
    wallMs: () => number;
    tuning: RouteTuning;
  }) {
    this.curve = o.curve;
    this.nodeSecret = o.nodeSecret;
    this.drops = o.drops;
    this.wallMs = o.wallMs;
    this.routesPerLink = o.tuning.routesPerLink;
    this.replays = new ReplayCache(o.tuning.maxRemembered);
  }

  judge(from: Neighbour, onion: Uint8Array, now: number): Verdict {
    if (!from.setUps.take(now)) return this.drop('route-setup-rate');
    const peeled = peelOnion({
      curve: this.curve,
      nodeSecret: this.nodeSecret,
      packet: onion,
      associatedData: SETUP_ASSOCIATED_DATA,
    });
    if (typeof peeled === 'string') return this.drop(peeled);

    const { payload, sharedSecret: secret, next } = peeled;
    const memory = this.replays.remember(sha256(secret), now);
    if (memory === 'known') return this.drop('route-setup-replayed');
    const hop = parseHopPayload(payload);
    const { previousId } = hop;
    if (previousId === undefined) return this.drop('route-setup-malformed');
    const fail = (failure: FailureName): Verdict => ({ kind: 'failed', failure, previousId, secret });
    if (memory === 'full' || from.routes >= this.routesPerLink) return fail('limit');
    if (hop.kind === 'malformed' || (hop.kind === 'last') !== (next === undefined)) return fail('malformed');
    const aheadSeconds = hop.expiry - this.wallMs() / 1000;
    if (aheadSeconds < 0 || aheadSeconds > MAX_EXPIRY_AHEAD_SECONDS) return fail('expired');
    if (hop.kind === 'last') return { kind: 'end', hop, secret };
    if (next === undefined) return fail('malformed');
    return { kind: 'relay', hop, secret, next };
  }

  private drop(reason: string): Verdict {
    this.drops.count(reason);
    return DROPPED;
  }
}
