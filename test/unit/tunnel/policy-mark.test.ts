import { describe, expect, test } from 'vitest';
import { policyCodePoint, takePolicyMark } from '../../../src/tunnel/policy-mark.ts';
import { dscpOf, ipv4Problem } from '../../../src/wire/ip.ts';
import { TREATMENT } from '../../../src/wire/tunnel-message.ts';
import { packet } from './packets.ts';

const MARKED = [TREATMENT.lowLatency, TREATMENT.highThroughput, TREATMENT.redundant];

describe('the mark of a rule', () => {
  test('is a code point for local use (RFC 2474 section 6), one for each treatment', () => {
    expect(MARKED.map(policyCodePoint)).toEqual([0b000111, 0b001011, 0b001111]);
  });

  test.each(MARKED)('says treatment %d and is taken off; the ECN bits and a right checksum stay', (treatment) => {
    for (const ecn of [0, 1, 2, 3]) {
      const bytes = packet('10.64.0.2', '192.0.2.7', { trafficClass: policyCodePoint(treatment) * 4 + ecn });
      expect(takePolicyMark(bytes, 0)).toBe(treatment);
      expect(bytes[1]).toBe(ecn);
      expect(ipv4Problem(bytes, 0, bytes.length)).toBeUndefined();
    }
  });

  test('is none of the other 61 code points, which stay', () => {
    const others = Array.from({ length: 64 }, (_, dscp) => dscp).filter((dscp) => ![7, 11, 15].includes(dscp));
    for (const dscp of others) {
      const bytes = packet('10.64.0.2', '192.0.2.7', { trafficClass: dscp * 4 });
      expect(takePolicyMark(bytes, 0)).toBe(TREATMENT.own);
      expect(dscpOf(bytes, 0)).toBe(dscp);
    }
  });
});
