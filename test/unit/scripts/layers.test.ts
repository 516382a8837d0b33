import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { layerViolations } from '../../../scripts/check/layers.ts';

let root = '';

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'skywire-layers-'));
  writeFileSync(
    join(root, 'tsconfig.json'),
    '{ "compilerOptions": { "allowImportingTsExtensions": true, "noEmit": true } }',
  );
});

afterEach(() => rmSync(root, { recursive: true, force: true }));

/** Lays out a tree of `{path: text}`; every path that is imported exists. */
function tree(files: Readonly<Record<string, string>>): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
}

const THING = 'export const thing = 1;\nexport interface Thing { a: number }\n';

test('imports that go down by rank pass', () => {
  tree({
    'src/base/thing.ts': THING,
    'src/node/user.ts': "import { thing } from '../base/thing.ts';\nexport const x = thing;\n",
  });
  expect(layerViolations(root)).toEqual([]);
});

test.each([
  ['upwards', 'src/link/user.ts', 'src/route/thing.ts', 'layer-link'],
  ['to a sibling', 'src/route/user.ts', 'src/graph/thing.ts', 'layer-route'],
  ['from the command line into the node', 'src/cli/user.ts', 'src/node/thing.ts', 'cli-sees-control-only'],
  ['from the node into the system', 'src/node/user.ts', 'src/os/thing.ts', 'only-daemon-touches-the-system'],
  ['from the product into the tests', 'src/daemon/user.ts', 'test/sim/thing.ts', 'product-imports-no-tests'],
])('an import %s is refused with the reason and a remedy', (_, user, thing, rule) => {
  const path = join('../..', thing);
  tree({ [thing]: THING, [user]: `import { thing } from '${path}';\nexport const x = thing;\n` });
  const violations = layerViolations(root).filter((text) => text.includes(`(${rule})`));
  expect(violations).toHaveLength(1);
  expect(violations[0]).toContain(`${user} imports ${thing}`);
  expect(violations[0]).toContain('Remedy:');
});

test('an import of a type alone counts too', () => {
  tree({
    'src/route/thing.ts': THING,
    'src/link/user.ts': "import type { Thing } from '../route/thing.ts';\nexport type X = Thing;\n",
  });
  expect(layerViolations(root)).toHaveLength(1);
});

test('a layer of the pure core may not import from node', () => {
  tree({ 'src/link/user.ts': "import { readFileSync } from 'node:fs';\nexport const x = readFileSync;\n" });
  expect(layerViolations(root).join()).toContain('pure-core-imports-no-node');
});

test('a folder without a rank is refused', () => {
  tree({
    'src/misc/thing.ts': THING,
    'src/daemon/main.ts': "import { thing } from '../misc/thing.ts';\nexport const x = thing;\n",
  });
  expect(layerViolations(root).join()).toContain('every-folder-has-a-rank');
});
