/** Datagrams in real TCP streams; each scenario runs in a process of its own in a network namespace (stream-scenario.ts). */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const SCENARIO = join(import.meta.dirname, 'stream-scenario.ts');
const NODE = join(import.meta.dirname, '../../../node_modules/.bin/node');

function runScenario(scenario: string) {
  const done = spawnSync('unshare', ['--net', NODE, SCENARIO, scenario], { encoding: 'utf8', timeout: 30_000 });
  expect(done.stdout, `${done.stderr}${done.signal ?? ''}`).not.toBe('');
  return JSON.parse(done.stdout);
}

describe('datagrams in TCP streams', () => {
  it('arrive whole over IPv4 and IPv6, and answers go to where they came from', () => {
    const sizes = [1, 48, 1_200, 8_944];
    const counts = { sent: 8, received: 8, sendDropped: 0, refused: 0 };
    expect(runScenario('exchange')).toEqual({
      seen: [...sizes, ...sizes],
      answers: Array.from({ length: 8 }, () => 0),
      calling: counts,
      answering: counts,
    });
  });

  it('go nowhere that was not named, are never longer than a datagram, and may come byte by byte', () => {
    expect(runScenario('limits')).toEqual({
      strange: 1,
      tooLong: 1,
      lengthOfNone: ['closed', 'closed'],
      inPieces: [7, 8, 9],
    });
  });

  it('find a new stream when theirs broke', () => {
    expect(runScenario('again')).toEqual({ bytes: [2], isAnother: true });
  });

  it('are taken from 128 streams that others dialled, and no more', () => {
    expect(runScenario('crowd')).toEqual({ refused: 1 });
  });

  it('say what is wrong with a listen address', () => {
    expect(runScenario('taken')).toMatchObject({
      code: 'address-in-use',
      message: expect.stringContaining('TCP 127.0.0.1'),
    });
  });
});
