import { describe, expect, it } from 'vitest';
import type { LogFields, LogLevel } from '../../../src/base/env.ts';
import { loadNative } from '../../../src/native/index.ts';
import { chooseDatapath, type NativeLoad, portableDatapath } from '../../../src/os/datapath.ts';

const missing = (): NativeLoad => ({ missing: 'skywire-x64.node was not built' });
/** Any data path that is not the portable one will do. */
const present = (): NativeLoad => ({ datapath: { ...portableDatapath, name: 'native' } });

function choose(wanted: 'native' | 'portable' | undefined, load: () => NativeLoad) {
  const lines: { level: LogLevel; event: string; fields: LogFields | undefined }[] = [];
  const datapath = chooseDatapath(wanted, load, {
    write: (level, event, fields) => lines.push({ level, event, fields }),
  });
  return { name: datapath.name, line: lines[0], lines: lines.length };
}

describe('chooseDatapath', () => {
  it('takes native where it loads and says so', () => {
    expect(choose(undefined, present).name).toBe('native');
    expect(choose('native', present).name).toBe('native');
  });

  it('takes portable where native is missing, with the reason as a warning', () => {
    const { name, line, lines } = choose(undefined, missing);
    expect([name, lines]).toEqual(['portable', 1]);
    expect(line).toEqual({
      level: 'warn',
      event: 'datapath',
      fields: {
        name: 'portable',
        curve: 'noble',
        cipher: 'node',
        cipherMbit: expect.any(Number),
        reason: 'skywire-x64.node was not built',
      },
    });
  });

  it('warns when the addon has no curve', () => {
    expect(choose(undefined, present).line).toMatchObject({
      level: 'warn',
      fields: { name: 'native', reason: expect.stringContaining('without libsecp256k1') },
    });
  });

  it('takes portable when asked for, without looking for the addon and without a warning', () => {
    const load = () => {
      throw new Error('looked');
    };
    expect(choose('portable', load)).toMatchObject({ name: 'portable', line: { level: 'info' } });
  });

  it('fails with a remedy when native was asked for and is missing', () => {
    expect(() => choose('native', missing)).toThrow(
      expect.objectContaining({ code: 'failed', message: expect.stringContaining('was not built') }),
    );
  });

  it('accepts what the addon loader gives', () => {
    const load: () => NativeLoad = loadNative;
    expect(['native', 'portable']).toContain(choose(undefined, load).name);
  });
});
