import { afterEach, describe, expect, test, vi } from 'vitest';
import { missingTool, runTool } from '../../../src/os/command.ts';

afterEach(() => vi.unstubAllEnvs());

describe('a system tool', () => {
  test('gives what it printed', async () => {
    expect(await runTool('ip', ['-j', 'link', 'show', 'dev', 'lo'])).toContain('"ifname":"lo"');
  });

  test('is found where the system keeps it, whatever PATH says', async () => {
    vi.stubEnv('PATH', '/nonexistent');
    expect(await runTool('nft', ['--version'])).toMatch(/^nftables/);
  });

  test('reads its standard input', async () => {
    expect(await runTool('nft', ['-c', '-f', '-'], 'table inet skywire_test { }\n')).toBe('');
  });

  test('that fails says how, in one line, with its command', async () => {
    const failed = runTool('ip', ['link', 'show', 'dev', 'nothing-here']);
    await expect(failed).rejects.toMatchObject({
      code: 'system-tool',
      message: 'ip link show dev nothing-here: Device "nothing-here" does not exist.',
    });
  });

  test('gets its arguments as they are: there is no shell', async () => {
    await expect(runTool('ip', ['link', 'show', 'dev', 'a; id'])).rejects.toMatchObject({
      message: expect.stringContaining('"a; id"'),
    });
  });
});

test('a missing tool is named with the package that holds it', () => {
  expect(missingTool('dnsmasq')).toMatchObject({
    code: 'system-tool',
    message: 'the program dnsmasq is missing',
    remedy: 'Install it: apt-get install dnsmasq-base',
  });
});
