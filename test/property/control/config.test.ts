import { isIPv4, isIPv6 } from 'node:net';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseConfig } from '../../../src/control/config.ts';
import { formatProblem } from '../../../src/control/config-problems.ts';
import { ConfigFile } from '../../../src/control/config-schema.ts';
import { parseIpv4, parseIpv6 } from '../../../src/control/ip-text.ts';

const tables = Object.keys(ConfigFile.entries);
const keys = [
  'name',
  'key_file',
  'udp',
  'key',
  'endpoint',
  'interface',
  'address',
  'dhcp',
  'gateway',
  'routes',
  'mtu',
  'enable',
  'pool',
  'uplink',
  'dns',
  'allow',
  'rate_limit',
  'socket',
  '__proto__',
  'x',
];

const value: fc.Arbitrary<string> = fc.letrec<{ value: string }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    fc.string({ unit: 'grapheme-ascii' }).map((text) => JSON.stringify(text)),
    fc.constantFrom(
      'true',
      'false',
      '1979-05-27',
      'inf',
      'nan',
      '"10.0.0.0/8"',
      '"192.168.42.1/24"',
      '"0.0.0.0:6969"',
      '[]',
      '{}',
    ),
    fc
      .oneof(
        fc.integer(),
        fc.double({ noNaN: true, noDefaultInfinity: true }).map((n) => n.toFixed(3)),
      )
      .map(String),
    fc.array(tie('value'), { maxLength: 3 }).map((items) => `[${items.join(', ')}]`),
    fc.tuple(fc.constantFrom(...keys), tie('value')).map(([key, inner]) => `{ ${key} = ${inner} }`),
  ),
})).value;

const line = fc.oneof(
  fc
    .tuple(fc.constantFrom(...tables, 'x'), fc.boolean())
    .map(([name, double]) => (double ? `[[${name}]]` : `[${name}]`)),
  fc.tuple(fc.constantFrom(...keys), value).map(([key, text]) => `${key} = ${text}`),
);

/** Either a configuration, or problems that each stand inside the text. */
function check(text: string): void {
  const result = parseConfig(text, 'f.toml');
  if (result.config !== undefined) return;
  expect(result.problems.length).toBeGreaterThan(0);
  const lines = text.split(/\r?\n/).length;
  for (const problem of result.problems) {
    expect(problem.line).toBeGreaterThanOrEqual(1);
    expect(problem.line).toBeLessThanOrEqual(lines);
    expect(problem.column).toBeGreaterThanOrEqual(1);
    expect(problem.message).not.toBe('');
    expect(problem.remedy).not.toBe('');
    // eslint-like tools and people read it line by line.
    expect(formatProblem(problem)).not.toContain('\n');
  }
}

test('random tables of known keys and odd values never throw', () => {
  fc.assert(
    fc.property(
      fc.array(line, { maxLength: 12 }).map((lines) => lines.join('\n')),
      check,
    ),
    { numRuns: 1500 },
  );
});

test('random text never throws', () => {
  const noise = fc.string({
    unit: fc.constantFrom(...'[]{}="\'\\.,#\n\r\t _-+:0123456789abtfnuxeE\u0000é'),
    maxLength: 80,
  });
  fc.assert(fc.property(fc.oneof(noise, fc.string({ unit: 'binary' })), check), { numRuns: 3000 });
});

test('IP addresses are those that the system reads, without zones', () => {
  const ip4 = fc.oneof(fc.ipV4(), fc.ipV4Extended(), fc.string({ unit: fc.constantFrom(...'0123456789.') }));
  fc.assert(
    fc.property(ip4, (text) => (parseIpv4(text) !== undefined) === isIPv4(text)),
    { numRuns: 1000 },
  );
  const ip6 = fc.oneof(fc.ipV6(), fc.string({ unit: fc.constantFrom(...'0123456789abf::..') }));
  fc.assert(
    fc.property(ip6, (text) => (parseIpv6(text) !== undefined) === isIPv6(text)),
    { numRuns: 1000 },
  );
});
