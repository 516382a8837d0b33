import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatEndpoint, lastingEndpoint, parseEndpoint } from '../../../src/os/endpoint.ts';

const bothFamilies = (family: 4 | 6) => (family === 4 ? 0 : 3);

function parsed(text: string): string {
  const endpoint = parseEndpoint(text, bothFamilies);
  return endpoint === undefined ? 'undefined' : Buffer.from(endpoint).toString('hex');
}

describe('parseEndpoint', () => {
  it('lays out IPv4 and IPv6 as documented', () => {
    expect(parsed('192.0.2.7:6969')).toBe(`00041b39c0000207${'00'.repeat(16)}`);
    expect(parsed('[2001:db8::1]:6969')).toBe('03061b3920010db800000000000000000000000100000000');
    expect(parsed('[::ffff:192.0.2.7]:1')).toBe('0306000100000000000000000000ffffc000020700000000');
    expect(parsed('[::]:1')).toBe(`03060001${'00'.repeat(20)}`);
  });

  it('takes the zone of a link-local address by name and by number', () => {
    const index = Number(readFileSync('/sys/class/net/lo/ifindex', 'utf8'));
    expect(parsed('[fe80::1%lo]:9')).toBe(parsed(`[fe80::1%${index}]:9`));
    expect(parsed('[fe80::1%lo]:9').slice(-8)).toBe(index.toString(16).padStart(8, '0'));
  });

  it.each([
    '',
    '192.0.2.7',
    '192.0.2.7:0',
    '192.0.2.7:65536',
    '192.0.2.7:-1',
    '192.0.2.300:1',
    '2001:db8::1:6969',
    '[192.0.2.7]:1',
    '[2001:db8::1]',
    '[2001:db8::1::2]:1',
    '[fe80::1%no-such-dev]:1',
    '[fe80::1%../../x]:1',
    'example.org:6969',
    ' 192.0.2.7:1',
  ])('refuses %j', (text) => {
    expect(parseEndpoint(text, bothFamilies)).toBeUndefined();
  });

  it('refuses a family that has no socket', () => {
    expect(parseEndpoint('[2001:db8::1]:1', (family) => (family === 4 ? 0 : undefined))).toBeUndefined();
  });

  it('reads back what formatEndpoint writes', () => {
    const port = fc.integer({ min: 1, max: 0xffff });
    fc.assert(
      fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), port, (address, number) => {
        const text = address.includes(':') ? `[${address}]:${number}` : `${address}:${number}`;
        const endpoint = parseEndpoint(text, bothFamilies)!;
        expect(parseEndpoint(formatEndpoint(endpoint), bothFamilies)).toEqual(endpoint);
      }),
    );
  });
});

describe('formatEndpoint', () => {
  /** The URL parser writes IPv6 as RFC 5952 has it: an independent opinion. */
  it('writes IPv6 as RFC 5952 does', () => {
    fc.assert(
      fc.property(fc.ipV6(), (address) => {
        const endpoint = parseEndpoint(`[${address}]:1`, bothFamilies)!;
        expect(formatEndpoint(endpoint)).toBe(`${new URL(`http://[${address}]/`).hostname}:1`);
      }),
    );
  });
});

describe('lastingEndpoint', () => {
  it.each(['192.0.2.7:6969', '[2001:db8::1]:6969'])('is the text of %s', (text) => {
    expect(lastingEndpoint(parseEndpoint(text, bothFamilies)!)).toBe(text);
  });

  it('does not exist for an interface that is gone, nor for what is no address', () => {
    expect(lastingEndpoint(parseEndpoint('[fe80::1%99999]:9', bothFamilies)!)).toBeUndefined();
    expect(lastingEndpoint(new Uint8Array(24).fill(0xfd))).toBeUndefined();
  });
});
