import { expect, test } from 'vitest';
import { encodeGatewayAdvert, NO_ADVERT, parseGatewayAdvert } from '../../../src/wire/gateway-advert.ts';

const advert = { country: 'DE', price: 250, rateKbps: 65_536, load: 0.3 };

test('an advert reads what was written, and ignores what a later version puts behind it', () => {
  const bytes = encodeGatewayAdvert(advert);
  expect(bytes).toEqual(Uint8Array.of(0x44, 0x45, 0, 250, 105, 3));
  expect(parseGatewayAdvert(bytes)).toEqual(advert);
  expect(parseGatewayAdvert(Uint8Array.of(...bytes, 1, 2, 3))).toEqual(advert);
  expect(parseGatewayAdvert(encodeGatewayAdvert(NO_ADVERT))).toEqual(NO_ADVERT);
});

test('an advert says no more than its bytes hold', () => {
  const most = parseGatewayAdvert(encodeGatewayAdvert({ ...advert, price: 1e9, rateKbps: 1e15, load: 7 }));
  expect([most.price, most.load]).toEqual([65_535, 1]);
  expect(most.rateKbps).toBeLessThan(1e15);
});

test('what is too short, no country or more than full counts as not told', () => {
  expect(parseGatewayAdvert(new Uint8Array(5))).toEqual(NO_ADVERT);
  for (const country of ['\u001b[', 'de', 'A1', '\0A']) {
    expect(parseGatewayAdvert(encodeGatewayAdvert({ ...advert, country })).country).toBeUndefined();
  }
  expect(parseGatewayAdvert(Uint8Array.of(0, 0, 0, 0, 0, 255)).load).toBe(1);
});
