import { describe, expect, test } from 'vitest';
import { toHex, utf8 } from '../../../src/base/bytes.ts';
import {
  LEASE_REFUSAL,
  type Lease,
  LINK_DATAGRAM_MAX_BYTES,
  linkDatagramStart,
  packetStart,
  readLease,
  readLeaseRefused,
  readLeaseRequest,
  TREATMENT,
  treatmentOf,
  writeEcho,
  writeEchoReply,
  writeLease,
  writeLeaseRefused,
  writeLeaseRequest,
  writePacketHeader,
} from '../../../src/wire/tunnel-message.ts';
import { ipv4 } from '../tunnel/packets.ts';

const LEASE: Lease = {
  address: ipv4('10.64.1.2'),
  prefixLength: 16,
  gateway: ipv4('10.64.0.1'),
  resolver: ipv4('192.0.2.53'),
  mtuBytes: 1_400,
  seconds: 3_600,
};

describe('lease messages', () => {
  test('have the bytes of docs/protocol.md 8', () => {
    expect(toHex(writeLeaseRequest(LEASE.address))).toBe('020a400102');
    expect(toHex(writeLease(LEASE))).toBe('030a400102100a400001c0000235057800000e10');
    expect(toHex(writeLeaseRefused(LEASE_REFUSAL.poolFull))).toBe('0401');
  });

  test('read back as they were written', () => {
    expect(readLease(writeLease(LEASE))).toEqual(LEASE);
    expect(readLeaseRequest(writeLeaseRequest(0))).toBe(0);
    expect(readLeaseRefused(writeLeaseRefused(LEASE_REFUSAL.notAllowed))).toBe(LEASE_REFUSAL.notAllowed);
  });

  test('of another length or kind are not read', () => {
    const lease = writeLease(LEASE);
    expect(readLease(lease.subarray(0, 19))).toBeUndefined();
    expect(readLease(Uint8Array.of(...lease, 0))).toBeUndefined();
    expect(readLeaseRequest(Uint8Array.of(2, 0, 0, 0))).toBeUndefined();
    expect(readLeaseRequest(Uint8Array.of(3, 0, 0, 0, 0))).toBeUndefined();
    expect(readLeaseRefused(Uint8Array.of(4, 3))).toBeUndefined();
    expect(readLeaseRefused(Uint8Array.of(4))).toBeUndefined();
  });

  test.each<[string, Partial<Lease>]>([
    ['loopback', { address: ipv4('127.0.0.1') }],
    ['multicast', { address: ipv4('224.0.0.1') }],
    ['a gateway that is nobody', { gateway: 0 }],
    ['one address for both ends', { gateway: LEASE.address }],
    ['a resolver that is loopback', { resolver: ipv4('127.0.0.53') }],
    ['a prefix past 32', { prefixLength: 33 }],
    ['no life', { seconds: 0 }],
  ])('a lease with %s is not read', (_what, part) => {
    expect(readLease(writeLease({ ...LEASE, ...part }))).toBeUndefined();
  });

  test('a lease with an MTU that IPv4 does not allow is not read', () => {
    const lease = writeLease(LEASE);
    lease[14] = 0x02;
    lease[15] = 0x3f;
    expect(readLease(lease)).toBeUndefined();
  });
});

test('a packet begins behind kind and flags, and flags that nobody assigned are refused', () => {
  expect(packetStart(Uint8Array.of(1, 0, 0x45))).toBe(2);
  expect(packetStart(Uint8Array.of(1, 0))).toBeUndefined();
  expect(packetStart(Uint8Array.of(1, 1, 0x45))).toBeUndefined();
  expect(packetStart(Uint8Array.of(1, 8, 0x45))).toBeUndefined();
});

test.each(Object.values(TREATMENT))('a packet says treatment %d in bits 1 and 2 of its flags', (treatment) => {
  const message = Uint8Array.of(0, 0, 0x45);
  writePacketHeader(message, 0, treatment);
  expect([...message]).toEqual([1, treatment * 2, 0x45]);
  expect(packetStart(message)).toBe(2);
  expect(treatmentOf(message)).toBe(treatment);
});

test('an echo comes back with the same bytes under the other kind', () => {
  const echo = writeEcho(utf8('abc'));
  expect(toHex(echo)).toBe('10616263');
  expect(toHex(writeEchoReply(echo))).toBe('11616263');
  expect(echo[0]).toBe(0x10);
});

describe('a LINK message', () => {
  test('holds one datagram of 1 to 1,200 bytes', () => {
    expect(linkDatagramStart(new Uint8Array(1))).toBeUndefined();
    expect(linkDatagramStart(new Uint8Array(2))).toBe(1);
    expect(linkDatagramStart(new Uint8Array(1 + LINK_DATAGRAM_MAX_BYTES))).toBe(1);
    expect(linkDatagramStart(new Uint8Array(2 + LINK_DATAGRAM_MAX_BYTES))).toBeUndefined();
  });
});
