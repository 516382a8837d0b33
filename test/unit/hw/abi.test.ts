/** The offload device's table: sound in itself, and the same in all four files that are made from it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { abiProblems, generatedFiles, readAbi } from '../../../scripts/hw/abi.ts';
import { PROJECT_ROOT } from '../../../scripts/named-runs.ts';

const abi = readAbi();

describe('the table of registers and descriptors', () => {
  it('has no overlap, no gap in a descriptor and nothing outside its page', () => {
    expect(abiProblems(abi)).toEqual([]);
  });

  it('is told apart from a table in which two registers share an offset or a field leaves its descriptor', () => {
    const [first, second, ...rest] = abi.registers;
    const shared = { ...abi, registers: [first, { ...second, offset: first.offset }, ...rest] };
    expect(abiProblems(shared)).toEqual([`${second.name} and ${first.name} lie at 0`]);
    const short = { ...abi, descriptor: { ...abi.descriptor, bytes: 60 } };
    expect(abiProblems(short)).toEqual(['descriptor has 64 bytes, not 60']);
  });

  it.each(Object.entries(generatedFiles(abi)))('is what %s was generated from', (path, text) => {
    expect(readFileSync(join(PROJECT_ROOT, path), 'utf8')).toBe(text);
  });
});
