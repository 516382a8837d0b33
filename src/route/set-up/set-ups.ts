/**
 * Set-ups of routes (docs/protocol.md section 5): those that begin here, and those that come in over a link, go on to the
 * next hop or end here.
 */
import { assert } from '../../base/assert.ts';
import { wipe } from '../../base/bytes.ts';
import type { NodeKey, RouteHandle, SecretKey } from '../../base/ids.ts';
import { buildFailure } from '../../crypto/error-onion.ts';
import { CHANNEL_0, encodeRouteFailed, encodeSetup } from '../../wire/channel0.ts';
import type { LastHop, MiddleHop } from '../../wire/hop-payload.ts';
import type { MemoryShare } from '../buffers/memory-share.ts';
import { NONE } from '../id-index.ts';
import type { Neighbour } from '../neighbours.ts';
import { MAX_HOPS } from '../protocol-limits.ts';
import type { RouteRemoval } from '../removal.ts';
import { neighbourOf, type RouteContext, tell } from '../route-context.ts';
import { encodeFailure, type FailureName, type RouteFailure } from '../route-failure.ts';
import { TOWARDS_DESTINATION, TOWARDS_ORIGIN } from '../route-table.ts';
import { backwardIdOf, buildSetUp, type FinalHop, forwardIdOf } from './set-up.ts';
import { SetUpGate } from './set-up-gate.ts';

export class SetUps {
  private readonly context: RouteContext;
  private readonly removal: RouteRemoval;
  private readonly share: MemoryShare;
  private readonly gate: SetUpGate;
  private lastHandle = 0;

  constructor(context: RouteContext, removal: RouteRemoval, share: MemoryShare) {
    const { curve, identity, drops, wallMs, tuning } = context;
    this.context = context;
    this.removal = removal;
    this.share = share;
    this.gate = new SetUpGate({ curve, nodeSecret: identity.secret, drops, wallMs, tuning });
  }

  /** As `RouteLayer.open`. */
  open(path: readonly NodeKey[], final: FinalHop, now: number): RouteHandle | RouteFailure {
    assert(path.length > 0 && path.length <= MAX_HOPS, 'a path has 1 to 10 hops');
    const { context, removal } = this;
    const { curve, random, wallMs, links, tuning, table, ends } = context;
    const neighbour = neighbourOf(context, path[0]);
    if (neighbour === undefined) return 'no-such-link';
    if (ends.origins >= tuning.maxOriginRoutes) return 'limit';
    const sessionSecret = this.freshSecret();
    const expiry = Math.floor((wallMs() + tuning.expiryAheadMs) / 1000);
    const setUp = buildSetUp({ curve, random, sessionSecret, path, final, expiry });
    wipe(sessionSecret);

    const handle = this.nextHandle();
    const slot = removal.claim(handle, now);
    if (slot === NONE) return 'limit';
    const half = 2 * slot + TOWARDS_DESTINATION;
    const attached = table.attach(half, neighbour.port, setUp.backwardId, setUp.forwardId);
    assert(attached, 'ids of 128 random bits do not collide');
    table.setPromise(slot, final.trafficClass, final.deliveryMs);
    ends.add(handle, half, setUp.sharedSecrets);
    if (!links.sendChannel(neighbour.link, CHANNEL_0, encodeSetup(setUp.onion))) {
      removal.remove(slot, now);
      return 'limit';
    }
    return handle;
  }

  /** SETUP came. The id under which the route's pieces come in, when there is a route now. */
  received(from: Neighbour, onion: Uint8Array, now: number): Uint8Array | undefined {
    const verdict = this.gate.judge(from, onion, now);
    if (verdict.kind === 'dropped') return undefined;
    const { secret } = verdict;
    let id: Uint8Array | undefined;
    if (verdict.kind === 'failed') this.refuse(from, verdict.previousId, secret, verdict.failure);
    else {
      const failure =
        verdict.kind === 'relay'
          ? this.relay(from, verdict.hop, secret, verdict.next, now)
          : this.accept(from, verdict.hop, secret, now);
      if (failure === undefined) id = forwardIdOf(secret);
      else this.refuse(from, verdict.hop.previousId, secret, failure);
    }
    wipe(secret);
    return id;
  }

  /** A set-up that goes on to the next hop. */
  private relay(
    from: Neighbour,
    hop: MiddleHop,
    secret: Uint8Array,
    onion: Uint8Array,
    now: number,
  ): FailureName | undefined {
    const { context, removal } = this;
    const { table, links } = context;
    const to = neighbourOf(context, hop.nextNode);
    if (to === undefined) return 'no-such-link';
    const slot = this.claim(0, hop, now);
    if (slot === NONE) return 'limit';
    const attached =
      this.attachOrigin(slot, from, hop.previousId, secret) &&
      table.attach(2 * slot + TOWARDS_DESTINATION, to.port, backwardIdOf(secret), hop.nextId);
    if (!attached) {
      removal.remove(slot, now);
      return 'malformed';
    }
    table.setSecret(slot, secret);
    if (links.sendChannel(to.link, CHANNEL_0, encodeSetup(onion))) return undefined;
    removal.remove(slot, now);
    return 'limit';
  }

  /** A set-up that ends here. */
  private accept(from: Neighbour, hop: LastHop, secret: Uint8Array, now: number): FailureName | undefined {
    const { ends, events } = this.context;
    const handle = this.nextHandle();
    const slot = this.claim(handle, hop, now);
    if (slot === NONE) return 'limit';
    ends.add(handle, 2 * slot + TOWARDS_ORIGIN, []);
    if (!this.attachOrigin(slot, from, hop.previousId, secret)) {
      this.removal.remove(slot, now);
      return 'malformed';
    }
    const { service, hello, routeIndex, trafficClass, deliveryMs } = hop;
    const verdict = events.incoming(handle, { service, hello, routeIndex, trafficClass, deliveryMs }, now);
    if (verdict === 'accept') return undefined;
    // The handler may have closed the route itself.
    if (ends.get(handle) !== undefined) this.removal.remove(slot, now);
    return verdict;
  }

  /** A slot for a route of somebody else, while there is memory for what it may carry. */
  private claim(handle: number, { trafficClass, deliveryMs }: LastHop | MiddleHop, now: number): number {
    const { table, tuning } = this.context;
    if (this.share.freeBytes < tuning.refusingShare * this.share.limitBytes) return NONE;
    const slot = this.removal.claim(handle, now);
    if (slot !== NONE) table.setPromise(slot, trafficClass, deliveryMs);
    return slot;
  }

  /** Connects a route's half towards its origin. False when an id is in use. */
  private attachOrigin(slot: number, from: Neighbour, previousId: Uint8Array, secret: Uint8Array): boolean {
    const { table } = this.context;
    if (!table.attach(2 * slot + TOWARDS_ORIGIN, from.port, forwardIdOf(secret), previousId)) return false;
    from.routes++;
    return true;
  }

  /** Answers a set-up that is not accepted. */
  private refuse(to: Neighbour, routeId: Uint8Array, secret: Uint8Array, failure: FailureName): void {
    this.context.drops.count(`route-setup-${failure}`);
    tell(this.context, to.port, encodeRouteFailed(routeId, buildFailure(secret, encodeFailure(failure))));
  }

  private nextHandle(): RouteHandle {
    return ++this.lastHandle as RouteHandle;
  }

  private freshSecret(): SecretKey {
    const { random, curve } = this.context;
    const secret = new Uint8Array(32);
    do random.fill(secret);
    while (!curve.isSecret(secret));
    return secret as SecretKey;
  }
}
