/** The units, judged by systemd's own tool without starting them. That they work is shown by `lab deb`. */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { EXIT_CODES } from '../../../src/base/failure.ts';

const FOLDER = join(import.meta.dirname, '../../../systemd');
const UNITS = readdirSync(FOLDER).filter((name) => name.endsWith('.service'));

function linesOf(unit: string): string[] {
  return readFileSync(join(FOLDER, unit), 'utf8').split('\n');
}

/** The exposure that systemd sees, 0 (shut) to 10 (wide open). */
function exposureOf(unit: string): number {
  const args = ['security', '--offline=yes', '--no-pager', join(FOLDER, unit)];
  const report = execFileSync('systemd-analyze', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  return Number(/Overall exposure level for \S+: ([\d.]+)/.exec(report)?.[1]);
}

test.each(UNITS)('%s leaves the system little exposed', (unit) => {
  expect(exposureOf(unit)).toBeLessThan(3.0);
});

test('the daemon is not started again where that does not help', () => {
  const { usage, 'config-invalid': config, 'key-file': key } = EXIT_CODES;
  expect(linesOf('skywired.service')).toContain(`RestartPreventExitStatus=${usage} ${config} ${key}`);
});

test('the kill switch comes before any network, and after whatever flushes rules', () => {
  const lines = linesOf('skywire-firewall.service');
  expect(lines).toContain('DefaultDependencies=no');
  expect(lines.find((line) => line.startsWith('Before='))).toMatch(/\bnetwork-pre\.target\b/);
  expect(lines).toContain('After=nftables.service');
  // It empties /tmp, in which systemd puts the private /dev together: a start beside it fails now and then.
  expect(lines).toContain('After=systemd-tmpfiles-setup.service');
  expect(lines.filter((line) => /^ExecStop/.test(line))).toEqual([]);
});
