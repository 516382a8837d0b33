/**
 * What a gateway says of itself beside its key, in its node's record (docs/protocol.md section 7). Claims, all of them.
 *
 *   country, ISO 3166-1 in two capitals, or 00 00 (2) | price u16, satoshi for a GB | rate of the uplink u8 (rate-step.ts)
 *   | load u8, tenths, at most 10
 */
import { readU16, writeU16 } from '../base/bytes.ts';
import { rateOf, rateStep } from './rate-step.ts';

const COUNTRY_BYTES = 2;
const PRICE_AT = COUNTRY_BYTES;
const RATE_AT = 4;
const LOAD_AT = 5;
const ADVERT_BYTES = 6;
const LOAD_STEPS = 10;
const [CAPITAL_A, CAPITAL_Z] = [0x41, 0x5a];

const MAX_PRICE = 0xffff;

export interface GatewayAdvert {
  /** Two capital letters; undefined: not told. */
  readonly country: string | undefined;
  /** Satoshi for 10^9 bytes; 0: free. */
  readonly price: number;
  /** Of the line to the internet; 0: not told. To 9 %. */
  readonly rateKbps: number;
  /** How much of what it can serve is in use, 0 to 1, in tenths. */
  readonly load: number;
}

/** Of a gateway that tells nothing. */
export const NO_ADVERT: GatewayAdvert = { country: undefined, price: 0, rateKbps: 0, load: 0 };

export function encodeGatewayAdvert({ country, price, rateKbps, load }: GatewayAdvert): Uint8Array {
  const out = new Uint8Array(ADVERT_BYTES);
  for (let i = 0; i < COUNTRY_BYTES; i++) out[i] = country?.charCodeAt(i) ?? 0;
  writeU16(out, PRICE_AT, Math.min(MAX_PRICE, price));
  out[RATE_AT] = rateStep(rateKbps);
  out[LOAD_AT] = Math.round(Math.min(1, load) * LOAD_STEPS);
  return out;
}

/** Anything that is not understood counts as not told; what follows behind is ignored. */
export function parseGatewayAdvert(bytes: Uint8Array): GatewayAdvert {
  if (bytes.length < ADVERT_BYTES) return NO_ADVERT;
  const letters = bytes.subarray(0, COUNTRY_BYTES);
  const isCountry = letters.every((letter) => letter >= CAPITAL_A && letter <= CAPITAL_Z);
  return {
    country: isCountry ? String.fromCharCode(...letters) : undefined,
    price: readU16(bytes, PRICE_AT),
    rateKbps: rateOf(bytes[RATE_AT]),
    load: Math.min(LOAD_STEPS, bytes[LOAD_AT]) / LOAD_STEPS,
  };
}
