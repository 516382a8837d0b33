/** The documents that scripts rely on say what the code does. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { EXIT_CODES } from '../../../src/base/failure.ts';
import { parseConfig } from '../../../src/control/config.ts';
import { ConfigFile } from '../../../src/control/config-schema.ts';
import { METHODS } from '../../../src/control/schema.ts';

function read(name: string): string {
  return readFileSync(new URL(`../../../docs/${name}`, import.meta.url), 'utf8');
}

interface SchemaNode {
  readonly wrapped?: SchemaNode;
  readonly item?: SchemaNode;
  readonly entries?: Readonly<Record<string, SchemaNode>>;
  readonly default?: unknown;
}

/** Keys of all objects in a schema: paths through objects, bare names inside lists. */
function keysOf(schema: SchemaNode, prefix = ''): string[] {
  if (schema.wrapped !== undefined) return keysOf(schema.wrapped, prefix);
  if (schema.item !== undefined) return keysOf(schema.item, '');
  return Object.entries(schema.entries ?? {}).flatMap(([name, inner]) => {
    const inside = keysOf(inner, `${prefix}${name}.`);
    return inside.length === 0 ? [`${prefix}${name}`] : inside;
  });
}

describe('docs/exit-codes.md', () => {
  test.each(Object.entries(EXIT_CODES))('has %s as %d', (name, code) => {
    expect(read('exit-codes.md')).toMatch(new RegExp(`^\\| ${code} \\| \`${name}\` \\| [^|]+ \\|`, 'm'));
  });
});

describe('docs/config.md', () => {
  const tables = Object.entries(ConfigFile.entries as Record<string, SchemaNode>).map(([name, schema]) => {
    const inner = schema.wrapped ?? schema;
    return [name, (inner.item ?? inner).entries!] as const;
  });
  const keys = tables.flatMap(([table, entries]) =>
    Object.keys(entries).map((key) => [`${table}.${key}`, entries[key]] as const),
  );

  test.each(keys)('has a row for %s with its default', (key, schema) => {
    const row = read('config.md')
      .split('\n')
      .find((line) => line.startsWith(`| \`${key}\` |`));
    expect(row).toBeDefined();
    // A default that is a constant stands there as TOML writes it.
    if (schema.default !== undefined) {
      expect(row!.split('|')[2].replaceAll(' ', '')).toBe(`\`${JSON.stringify(schema.default)}\``);
    }
  });

  test('has no row for a key that does not exist', () => {
    const documented = [...read('config.md').matchAll(/^\| `([a-z]+\.[a-z_]+)` \|/gm)].map((match) => match[1]);
    expect(documented.sort()).toEqual(keys.map(([key]) => key).sort());
  });

  test('has examples that are right', () => {
    const examples = [...read('config.md').matchAll(/```toml\n([^`]*)```/g)].map((match) => match[1]);
    expect(examples).toHaveLength(4);
    for (const example of examples) expect(parseConfig(example, 'example').problems).toBeUndefined();
  });
});

describe('docs/cli.md', () => {
  const results = Object.entries(METHODS).flatMap(([method, { result }]) =>
    keysOf(result as SchemaNode).map((key) => [method, key]),
  );

  test.each(results)('has for %s the key %s', (_method, key) => {
    expect(read('cli.md')).toContain(`\`${key}\``);
  });

  test('has every method', () => {
    for (const method of Object.keys(METHODS)) expect(read('cli.md')).toContain(`\`${method}\``);
  });
});
