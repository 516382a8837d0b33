import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ensureDirectory, LineFile, READABLE_BY_ALL, replaceFile } from '../../../src/os/store.ts';

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'skywire-store-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const modeOf = (path: string): number => statSync(path).mode & 0o777;

describe('replaceFile', () => {
  test('writes for the owner only, and leaves no other file behind', async () => {
    const path = join(directory, 'secret');
    await replaceFile(path, 'abc');
    expect(readFileSync(path, 'utf8')).toBe('abc');
    expect(modeOf(path)).toBe(0o600);
    expect(readdirSync(directory)).toEqual(['secret']);
  });

  test('gives an existing file the new text and the new mode, also over what a crash left', async () => {
    const path = join(directory, 'file');
    writeFileSync(path, 'old and longer', { mode: 0o600 });
    writeFileSync(`${path}.new`, 'half of someth', { mode: 0o600 });
    await replaceFile(path, 'new', READABLE_BY_ALL);
    expect(readFileSync(path, 'utf8')).toBe('new');
    expect(modeOf(path)).toBe(0o644);
    expect(readdirSync(directory)).toEqual(['file']);
  });

  test('keeps the old file when the new one cannot take its place', async () => {
    const path = join(directory, 'taken');
    mkdirSync(path);
    await expect(replaceFile(path, 'abc')).rejects.toThrow('EISDIR');
    expect(readdirSync(directory)).toEqual(['taken']);
  });
});

describe('ensureDirectory', () => {
  test('makes what is missing on the way, passable and not listable by others, and may be repeated', () => {
    const path = join(directory, 'a', 'b');
    ensureDirectory(path);
    ensureDirectory(path);
    expect(modeOf(path)).toBe(0o711);
  });

  test('says that the path is something else', () => {
    const path = join(directory, 'file');
    writeFileSync(path, '');
    expect(() => ensureDirectory(path)).toThrow(expect.objectContaining({ code: 'config-invalid' }));
  });
});

describe('a file of lines', () => {
  const errors: Error[] = [];
  const create = (): LineFile => new LineFile(directory, 'leases', (error) => errors.push(error));

  test('is empty when there is none, and has the lines that were saved last', async () => {
    const file = create();
    expect(file.load()).toEqual([]);
    for (const lines of [['1'], ['1', '2'], ['1', '2', '3'], ['3', '4']]) file.save(lines);
    await file.flush();
    expect(create().load()).toEqual(['3', '4']);
    file.save([]);
    await file.flush();
    expect(create().load()).toEqual([]);
    expect(errors).toEqual([]);
  });

  test('tells of a write that failed and writes the next one', async () => {
    const file = create();
    const path = join(directory, 'leases');
    mkdirSync(path);
    file.save(['1']);
    await file.flush();
    expect(errors.splice(0)).toEqual([expect.objectContaining({ code: 'EISDIR' })]);
    rmSync(path, { recursive: true });
    file.save(['2']);
    await file.flush();
    expect(file.load()).toEqual(['2']);
  });

  test('that cannot be read is an error, not an empty list', () => {
    mkdirSync(join(directory, 'leases'));
    chmodSync(directory, 0o700);
    expect(() => create().load()).toThrow('EISDIR');
  });
});
