/**
 * What the onion of a set-up tells one hop: a TLV stream (docs/protocol.md section 5).
 *
 *   2 next hop's node key 33 | 4 route id towards it 16 | 6 route id towards the previous hop 16 | 8 expiry u32
 *   10 service key 33 | 12 hello 98-160 | 14 route index u16 | 16 class u8 | 18 delivery u16
 *
 * 2 and 4 stand at every hop but the last, 10 to 14 at the last only. 16 and 18 are left out when they say Bulk and reliable. An unknown even type is refused, an unknown odd
 * type ignored.
 */
import { assert } from '../base/assert.ts';
import { readU16, readU32, writeU16, writeU32 } from '../base/bytes.ts';
import type { NodeKey, ServiceKey } from '../base/ids.ts';
import { BULK, type DeliveryMs, REAL_TIME, RELIABLE, type TrafficClass } from '../base/traffic-class.ts';
import { ROUTE_ID_BYTES } from './channel0.ts';
import { encodeTlv, parseTlv, type TlvField } from './tlv.ts';

const TYPE = {
  nextNode: 2,
  nextId: 4,
  previousId: 6,
  expiry: 8,
  service: 10,
  hello: 12,
  routeIndex: 14,
  trafficClass: 16,
  delivery: 18,
} as const;

const KEY_BYTES = 33;
const EXPIRY_BYTES = 4;
const ROUTE_INDEX_BYTES = 2;
const CLASS_BYTES = 1;
const DELIVERY_BYTES = 2;
export const HELLO_MIN_BYTES = 98;
export const HELLO_MAX_BYTES = 160;

interface EveryHop {
  /** Under this id the hop sends backward pieces to the one before it. */
  readonly previousId: Uint8Array;
  /** Unix seconds. */
  readonly expiry: number;
  readonly trafficClass: TrafficClass;
  readonly deliveryMs: DeliveryMs;
}

export interface MiddleHop extends EveryHop {
  readonly kind: 'middle';
  readonly nextNode: NodeKey;
  /** Under this id the hop sends forward pieces to the next one. */
  readonly nextId: Uint8Array;
}

export interface LastHop extends EveryHop {
  readonly kind: 'last';
  readonly service: ServiceKey;
  readonly hello: Uint8Array;
  readonly routeIndex: number;
}

/** Not to be followed. The way back is known when the payload at least said it. */
export interface MalformedHop {
  readonly kind: 'malformed';
  readonly previousId: Uint8Array | undefined;
}

export function encodeHopPayload(hop: MiddleHop | LastHop): Uint8Array {
  const expiry = new Uint8Array(EXPIRY_BYTES);
  writeU32(expiry, 0, hop.expiry);
  const every: TlvField[] = [
    { type: TYPE.previousId, value: hop.previousId },
    { type: TYPE.expiry, value: expiry },
  ];
  const promise = encodePromise(hop);
  if (hop.kind === 'middle') {
    return encodeTlv([
      { type: TYPE.nextNode, value: hop.nextNode },
      { type: TYPE.nextId, value: hop.nextId },
      ...every,
      ...promise,
    ]);
  }
  assert(hop.hello.length >= HELLO_MIN_BYTES && hop.hello.length <= HELLO_MAX_BYTES, 'hello fits the payload');
  const routeIndex = new Uint8Array(ROUTE_INDEX_BYTES);
  writeU16(routeIndex, 0, hop.routeIndex);
  return encodeTlv([
    ...every,
    { type: TYPE.service, value: hop.service },
    { type: TYPE.hello, value: hop.hello },
    { type: TYPE.routeIndex, value: routeIndex },
    ...promise,
  ]);
}

function encodePromise({ trafficClass, deliveryMs }: EveryHop): TlvField[] {
  const delivery = new Uint8Array(DELIVERY_BYTES);
  writeU16(delivery, 0, deliveryMs);
  const fields: TlvField[] = [];
  if (trafficClass !== BULK) fields.push({ type: TYPE.trafficClass, value: Uint8Array.of(trafficClass) });
  if (deliveryMs !== RELIABLE) fields.push({ type: TYPE.delivery, value: delivery });
  return fields;
}

/** Byte fields are views of `bytes`. */
export function parseHopPayload(bytes: Uint8Array): MiddleHop | LastHop | MalformedHop {
  const fields = parseTlv(bytes);
  if (fields === undefined) return { kind: 'malformed', previousId: undefined };
  const known = new Map<number, Uint8Array>();
  let sound = true;
  for (const { type, value } of fields) {
    if (type % 2 === 0 && !lengthFits(type, value.length)) sound = false;
    else known.set(type, value);
  }
  const previousId = known.get(TYPE.previousId);
  const expiryBytes = known.get(TYPE.expiry);
  if (!sound || previousId === undefined || expiryBytes === undefined) return { kind: 'malformed', previousId };
  const trafficClass = known.get(TYPE.trafficClass)?.[0] ?? BULK;
  if (trafficClass !== BULK && trafficClass !== REAL_TIME) return { kind: 'malformed', previousId };
  const delivery = known.get(TYPE.delivery);
  const deliveryMs = delivery === undefined ? RELIABLE : readU16(delivery, 0);
  const every = { previousId, expiry: readU32(expiryBytes, 0), trafficClass, deliveryMs } as const;

  const nextNode = known.get(TYPE.nextNode);
  const nextId = known.get(TYPE.nextId);
  const service = known.get(TYPE.service);
  const hello = known.get(TYPE.hello);
  const routeIndex = known.get(TYPE.routeIndex);
  const saysMiddle = nextNode !== undefined || nextId !== undefined;
  const saysLast = service !== undefined || hello !== undefined || routeIndex !== undefined;
  if (nextNode !== undefined && nextId !== undefined && !saysLast) {
    return { kind: 'middle', nextNode: nextNode as NodeKey, nextId, ...every };
  }
  if (service !== undefined && hello !== undefined && routeIndex !== undefined && !saysMiddle) {
    return { kind: 'last', service: service as ServiceKey, hello, routeIndex: readU16(routeIndex, 0), ...every };
  }
  return { kind: 'malformed', previousId };
}

/** False for an unknown even type too: it is refused. */
function lengthFits(type: number, length: number): boolean {
  switch (type) {
    case TYPE.nextNode:
    case TYPE.service:
      return length === KEY_BYTES;
    case TYPE.nextId:
    case TYPE.previousId:
      return length === ROUTE_ID_BYTES;
    case TYPE.expiry:
      return length === EXPIRY_BYTES;
    case TYPE.hello:
      return length >= HELLO_MIN_BYTES && length <= HELLO_MAX_BYTES;
    case TYPE.routeIndex:
      return length === ROUTE_INDEX_BYTES;
    case TYPE.trafficClass:
      return length === CLASS_BYTES;
    case TYPE.delivery:
      return length === DELIVERY_BYTES;
    default:
      return false;
  }
}
