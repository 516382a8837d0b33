/**
 * The set-up of a route, as its origin builds it (docs/protocol.md section 5). Both ids of a hop derive from the secret
 * that the onion shares with it, so the origin knows all of them before it sends anything.
 */
import { utf8 } from '../../base/bytes.ts';
import { type RandomSource, randomBytes } from '../../base/env.ts';
import type { NodeKey, SecretKey, ServiceKey } from '../../base/ids.ts';
import type { DeliveryMs, TrafficClass } from '../../base/traffic-class.ts';
import type { Curve } from '../../crypto/curve.ts';
import { hmac } from '../../crypto/hash.ts';
import { buildOnion, hopSecrets } from '../../crypto/sphinx.ts';
import { ROUTE_ID_BYTES } from '../../wire/channel0.ts';
import { encodeHopPayload } from '../../wire/hop-payload.ts';

export const SETUP_ASSOCIATED_DATA = utf8('skywire/1 route');
const FORWARD_LABEL = utf8('skywire/forward');
const BACKWARD_LABEL = utf8('skywire/backward');

/** The id under which a hop receives pieces from the one before it. `secret`: what it shares with the origin. */
export function forwardIdOf(secret: Uint8Array): Uint8Array {
  return hmac(FORWARD_LABEL, secret).subarray(0, ROUTE_ID_BYTES);
}

/** The id under which a hop receives pieces from the one behind it. */
export function backwardIdOf(secret: Uint8Array): Uint8Array {
  return hmac(BACKWARD_LABEL, secret).subarray(0, ROUTE_ID_BYTES);
}

/** What the last hop is told; class and delivery are told to all. `hello` is 98 to 160 bytes: message one of the session. */
export interface FinalHop {
  readonly service: ServiceKey;
  readonly hello: Uint8Array;
  readonly routeIndex: number;
  readonly trafficClass: TrafficClass;
  readonly deliveryMs: DeliveryMs;
}

export interface SetUp {
  /** For the first hop. */
  readonly onion: Uint8Array;
  /** One a hop, neighbour first: failures are read with them. */
  readonly sharedSecrets: readonly Uint8Array[];
  /** The origin sends under this id, `F_1`. */
  readonly forwardId: Uint8Array;
  /** The origin receives under this id, `B_0`. */
  readonly backwardId: Uint8Array;
}

/** `path`: 1 to 10 points, neighbour first, destination last. `expiry`: Unix seconds. */
export function buildSetUp(o: {
  readonly curve: Curve;
  readonly random: RandomSource;
  readonly sessionSecret: SecretKey;
  readonly path: readonly NodeKey[];
  readonly final: FinalHop;
  readonly expiry: number;
}): SetUp {
  const { curve, sessionSecret, path, final, expiry } = o;
  const sharedSecrets = hopSecrets(curve, sessionSecret, path);
  const forwardIds = sharedSecrets.map(forwardIdOf);
  const backwardIds = [randomBytes(o.random, ROUTE_ID_BYTES), ...sharedSecrets.map(backwardIdOf)];
  const hops = path.map((nodeKey, i) => {
    const { trafficClass, deliveryMs } = final;
    const every = { previousId: backwardIds[i], expiry, trafficClass, deliveryMs };
    const payload =
      i === path.length - 1
        ? encodeHopPayload({ kind: 'last', ...final, ...every })
        : encodeHopPayload({ kind: 'middle', ...every, nextNode: path[i + 1], nextId: forwardIds[i + 1] });
    return { nodeKey, payload };
  });
  const { packet } = buildOnion({ curve, sessionSecret, hops, sharedSecrets, associatedData: SETUP_ASSOCIATED_DATA });
  return { onion: packet, sharedSecrets, forwardId: forwardIds[0], backwardId: backwardIds[0] };
}
