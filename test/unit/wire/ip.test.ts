import { describe, expect, test } from 'vitest';
import { fromHex } from '../../../src/base/bytes.ts';
import {
  checksum,
  contains,
  destinationOf,
  destinationPortOf,
  dscpOf,
  ICMP_ERROR_MAX_BYTES,
  ipv4Problem,
  isFragment,
  isHostAddress,
  markCongestion,
  mayAnswerWithError,
  mustNotFragment,
  netmask,
  PROTOCOL,
  portsOf,
  sourceOf,
  UNREACHABLE,
  writeIpv4Header,
  writeUnreachable,
} from '../../../src/wire/ip.ts';
import { ipv4, packet, prefix } from '../tunnel/packets.ts';

const bytes = (hex: string): Uint8Array => fromHex(hex.replaceAll(' ', '')) ?? new Uint8Array();

describe('checksum', () => {
  test('gives the sum of the example in RFC 1071, section 3, complemented', () => {
    expect(checksum(bytes('0001 f203 f4f5 f6f7'), 0, 8)).toBe(0xffff - 0xddf2);
  });

  test('gives the published checksum of a header that was captured on a wire', () => {
    // A UDP packet from 192.168.0.1 to 192.168.0.199; its checksum field holds b861.
    const header = bytes('4500 0073 0000 4000 4011 0000 c0a8 0001 c0a8 00c7');
    expect(checksum(header, 0, 20)).toBe(0xb861);
  });

  test('counts an odd last byte as the high half of a word', () => {
    expect(checksum(bytes('0102 03'), 0, 3)).toBe(checksum(bytes('0102 0300'), 0, 4));
  });

  test('is zero over bytes with their own checksum, at any offset', () => {
    const header = bytes('ff 4500 0073 0000 4000 4011 b861 c0a8 0001 c0a8 00c7');
    expect(checksum(header, 1, 20)).toBe(0);
  });

  test('carries correctly over the longest packet of all ones', () => {
    expect(checksum(new Uint8Array(65_534).fill(0xff), 0, 65_534)).toBe(0);
  });
});

describe('ipv4Problem', () => {
  const good = packet('10.64.0.2', '198.51.100.80');
  const changed = (at: number, value: number): Uint8Array => {
    const copy = good.slice();
    copy[at] = value;
    return copy;
  };

  test('finds nothing wrong with a whole packet', () => {
    expect(ipv4Problem(good, 0, good.length)).toBeUndefined();
  });

  test.each([
    ['ip-short', good.slice(0, 19)],
    ['ip-short', new Uint8Array(0)],
    ['ip-version', changed(0, 0x65)],
    ['ip-options', changed(0, 0x46)],
    ['ip-options', changed(0, 0x44)],
    ['ip-length', good.slice(0, 99)],
    ['ip-checksum', changed(8, 63)],
  ])('names %s', (problem, broken) => {
    expect(ipv4Problem(broken, 0, broken.length)).toBe(problem);
  });
});

describe('fields', () => {
  test('are read where RFC 791 has them', () => {
    const query = packet('10.64.0.2', '192.0.2.53', { port: 53, dontFragment: true });
    expect(sourceOf(query, 0)).toBe(ipv4('10.64.0.2'));
    expect(destinationOf(query, 0)).toBe(ipv4('192.0.2.53'));
    expect(destinationPortOf(query, 0, query.length)).toBe(53);
    expect(mustNotFragment(query, 0)).toBe(true);
    expect(mustNotFragment(packet('10.64.0.2', '192.0.2.53'), 0)).toBe(false);
  });

  test('there is no port in a later fragment, a short packet or ICMP', () => {
    const later = packet('10.64.0.2', '192.0.2.53', { port: 53, fragmentOffset: 1 });
    const short = packet('10.64.0.2', '192.0.2.53', { length: 22 });
    const icmp = packet('10.64.0.2', '192.0.2.53', { port: 53, protocol: PROTOCOL.icmp });
    for (const each of [later, short, icmp]) expect(destinationPortOf(each, 0, each.length)).toBeUndefined();
  });
});

describe('prefixes', () => {
  test('hold their own addresses and no others, also the widest and the narrowest', () => {
    expect(contains(prefix('192.168.42.1/24'), ipv4('192.168.42.255'))).toBe(true);
    expect(contains(prefix('192.168.42.1/24'), ipv4('192.168.43.0'))).toBe(false);
    expect(contains(prefix('0.0.0.0/0'), ipv4('255.255.255.255'))).toBe(true);
    expect(contains(prefix('10.0.0.1/32'), ipv4('10.0.0.2'))).toBe(false);
  });

  test('netmasks are what people write', () => {
    expect([0, 8, 23, 32].map(netmask)).toEqual(['0.0.0.0', '255.0.0.0', '255.255.254.0', '255.255.255.255'].map(ipv4));
  });

  test.each(['0.1.2.3', '127.0.0.1', '169.254.1.1', '224.0.0.1', '255.255.255.255'])(
    '%s is no host address',
    (text) => {
      expect(isHostAddress(ipv4(text))).toBe(false);
    },
  );

  test.each(['1.1.1.1', '10.0.0.1', '169.253.0.1', '223.255.255.255'])('%s is a host address', (text) => {
    expect(isHostAddress(ipv4(text))).toBe(true);
  });
});

describe('writeUnreachable', () => {
  const original = packet('192.168.42.2', '198.51.100.80', { length: 1_400, dontFragment: true });

  test('writes type 3, the code, the MTU of the next hop, and the beginning of the packet', () => {
    const out = new Uint8Array(700);
    const length = writeUnreachable(
      out,
      3,
      UNREACHABLE.fragmentationNeeded,
      1_280,
      ipv4('10.64.0.1'),
      original,
      0,
      original.length,
    );
    const error = out.subarray(3, 3 + length);
    expect(length).toBe(ICMP_ERROR_MAX_BYTES);
    expect(ipv4Problem(error, 0, length)).toBeUndefined();
    expect(sourceOf(error, 0)).toBe(ipv4('10.64.0.1'));
    expect(destinationOf(error, 0)).toBe(ipv4('192.168.42.2'));
    expect([...error.subarray(20, 22)]).toEqual([3, 4]);
    expect([...error.subarray(24, 28)]).toEqual([0, 0, 0x05, 0x00]);
    expect(checksum(error, 20, length - 20)).toBe(0);
    expect(error.subarray(28)).toEqual(original.subarray(0, 548));
  });

  test('quotes a short packet wholly and leaves the bytes around alone', () => {
    const short = packet('192.168.42.2', '198.51.100.80', { length: 21 });
    const out = new Uint8Array(80).fill(0xee);
    const length = writeUnreachable(out, 8, UNREACHABLE.net, 0, ipv4('192.0.0.8'), short, 0, short.length);
    expect(length).toBe(20 + 8 + 21);
    expect(checksum(out, 8 + 20, length - 20)).toBe(0);
    expect(out.subarray(0, 8)).toEqual(new Uint8Array(8).fill(0xee));
    expect(out.subarray(8 + length)).toEqual(new Uint8Array(80 - 8 - length).fill(0xee));
  });
});

describe('mayAnswerWithError (RFC 1122, 3.2.2)', () => {
  const may = (bytes: Uint8Array): boolean => mayAnswerWithError(bytes, 0, bytes.length);
  const icmp = (type: number): Uint8Array => {
    const bytes = packet('10.0.0.1', '8.8.8.8', { length: 28, protocol: PROTOCOL.icmp });
    bytes[20] = type;
    return bytes;
  };

  test('answers TCP, UDP and echo requests', () => {
    expect(may(packet('10.0.0.1', '8.8.8.8'))).toBe(true);
    expect(may(icmp(8))).toBe(true);
    expect(may(packet('10.0.0.1', '127.0.0.1'))).toBe(true);
  });

  test('stays silent to errors, later fragments, multicast, broadcast, and senders that are no host', () => {
    for (const type of [0, 3, 11]) expect(may(icmp(type))).toBe(false);
    expect(may(packet('10.0.0.1', '8.8.8.8', { fragmentOffset: 9 }))).toBe(false);
    expect(may(packet('10.0.0.1', '224.0.0.251'))).toBe(false);
    expect(may(packet('10.0.0.1', '255.255.255.255'))).toBe(false);
    expect(may(packet('0.0.0.0', '8.8.8.8'))).toBe(false);
    expect(may(packet('224.0.0.1', '8.8.8.8'))).toBe(false);
  });
});

test('a header that is longer than a packet can be is a bug of the caller', () => {
  const header = { length: 65_536, protocol: 17, source: 1, destination: 2 };
  expect(() => writeIpv4Header(new Uint8Array(20), 0, header)).toThrow('packet length');
});

describe('what a classifier asks', () => {
  test('DSCP is the six high bits of the second byte', () => {
    expect(dscpOf(packet('10.0.0.1', '8.8.8.8', { trafficClass: 0xb9 }), 0)).toBe(46);
  });

  test('a fragment is one that has more behind it, or something before it', () => {
    expect(isFragment(packet('10.0.0.1', '8.8.8.8', { dontFragment: true }), 0)).toBe(false);
    expect(isFragment(packet('10.0.0.1', '8.8.8.8', { moreFragments: true }), 0)).toBe(true);
    expect(isFragment(packet('10.0.0.1', '8.8.8.8', { fragmentOffset: 1 }), 0)).toBe(true);
  });

  test('both ports are one number, where there are any', () => {
    const bytes = packet('10.0.0.1', '8.8.8.8', { sourcePort: 0xfedc, port: 0x0035 });
    expect(portsOf(bytes, 0, bytes.length)).toBe(0xfedc_0035);
    expect(portsOf(bytes, 0, 23)).toBeUndefined();
    expect(portsOf(packet('10.0.0.1', '8.8.8.8', { protocol: 47 }), 0, 100)).toBeUndefined();
  });
});

describe('markCongestion (RFC 3168, RFC 1624)', () => {
  test('keeps DSCP and the checksum right for every header that can be', () => {
    for (let trafficClass = 0; trafficClass < 256; trafficClass++) {
      // Addresses that bring the checksum to its borders, ffff and 0000, among others.
      for (let low = 0; low < 256; low++) {
        const bytes = packet('10.0.0.1', `255.255.${low}.${trafficClass}`, { trafficClass, length: 28 });
        const marked = markCongestion(bytes, 0);
        expect(marked).toBe((trafficClass & 3) !== 0);
        expect(bytes[1]).toBe(marked ? trafficClass | 3 : trafficClass);
        if (checksum(bytes, 0, 20) !== 0) throw new Error(`wrong after ${trafficClass}, ${low}`);
      }
    }
  });
});
