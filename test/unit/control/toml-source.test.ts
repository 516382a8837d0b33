import { expect, test } from 'vitest';
import { readToml, type TomlSource } from '../../../src/control/toml-source.ts';

const TEXT = `top = 1
[a.b]
c.d = [10, {x = 2}]
[[peer]]
key = "one"
[peer.inner]
z = true
[[peer]]
key = "two"
`;

function read(text: string): TomlSource {
  const source = readToml(text);
  if (!('root' in source)) throw new Error(source.message);
  return source;
}

test('the tree is what the text says', () => {
  expect(JSON.parse(JSON.stringify(read(TEXT).root))).toEqual({
    top: 1,
    a: { b: { c: { d: [10, { x: 2 }] } } },
    peer: [{ key: 'one', inner: { z: true } }, { key: 'two' }],
  });
});

test.each([
  [['top'], 1, 7],
  [['a'], 2, 1],
  [['a', 'b'], 2, 1],
  [['a', 'b', 'c', 'd'], 3, 7],
  [['a', 'b', 'c', 'd', 1, 'x'], 3, 17],
  [['peer'], 4, 1],
  [['peer', 0], 4, 1],
  [['peer', 0, 'inner', 'z'], 7, 5],
  [['peer', 1, 'key'], 9, 7],
])('%j is found at its value', (path, line, column) => {
  expect(read(TEXT).locate(path)).toEqual({ line, column });
});

test('a key that is missing is located at its table, and one without a table at the beginning', () => {
  expect(read(TEXT).locate(['peer', 1, 'endpoint'])).toEqual({ line: 8, column: 1 });
  expect(read(TEXT).locate(['nowhere', 'x'])).toEqual({ line: 1, column: 1 });
});

test('a key is located at its own name', () => {
  expect(read(TEXT).locateKey(['a', 'b', 'c', 'd'])).toEqual({ line: 3, column: 3 });
  expect(read(TEXT).locateKey(['peer', 1])).toEqual({ line: 8, column: 3 });
});

test('a key called __proto__ is a key like any other', () => {
  const { root } = read('[__proto__]\npolluted = 1\n');
  expect(Object.keys(root)).toEqual(['__proto__']);
  expect(({} as Record<string, unknown>).polluted).toBeUndefined();
});

test.each([
  ['arrays', `a = ${'['.repeat(20_000)}${']'.repeat(20_000)}`],
  ['inline tables', `a = ${'{a = '.repeat(5000)}1${'}'.repeat(5000)}`],
  ['a dotted key', `${'a.'.repeat(20_000)}b = 1`],
  ['a dotted table', `[${'a.'.repeat(20_000)}b]`],
])('deep nesting of %s is refused', (_name, text) => {
  expect(readToml(text)).toMatchObject({ message: expect.stringMatching(/Nested/) });
});
