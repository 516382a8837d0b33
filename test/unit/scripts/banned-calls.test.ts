import { expect, test } from 'vitest';
import { bannedCalls, PURE_LAYERS } from '../../../scripts/check/banned-calls.ts';

const check = (text: string) => bannedCalls({ path: 'src/link/thing.ts', text });

test.each([
  ['Date.now()', 'const t = Date.now();'],
  ['new Date()', 'const t = new Date();'],
  ['performance', 'const t = performance.now();'],
  ['setTimeout', 'setTimeout(f, 1);'],
  ['setInterval', 'const t = setInterval(f, 1);'],
  ['Math.random', 'const x = Math.random() * 2;'],
  ['process', 'const x = process.env.HOME;'],
  ['process passed on', 'f(process);'],
  ['Promise', 'const x = Promise.resolve(1);'],
  ['a type of Promise', 'function f(): Promise<void> {}'],
  ['async and await', 'async function f() { await g(); }'],
])('%s in a pure layer is named with its line and a remedy', (_, line) => {
  const found = check(`// first line\n${line}\n`);
  expect(found.length).toBeGreaterThan(0);
  expect(found[0]).toMatch(/^src\/link\/thing\.ts:2: .+remedy: .+/);
});

test('names in comments, strings, members and declarations are nobody’s clock', () => {
  const text = `
    // Date.now() and setTimeout are not for us
    const text = 'process Promise';
    interface Step { process(): void; performance: number }
    step.process();
    const later = { process: 1 };
  `;
  expect(check(text)).toEqual([]);
});

test('the layers from base to node are pure, the system and the programs are not', () => {
  const pure = ['base', 'wire', 'crypto', 'link', 'route', 'graph', 'bundle', 'tunnel', 'services', 'node'];
  for (const layer of pure) expect(PURE_LAYERS.test(`src/${layer}/x.ts`), layer).toBe(true);
  for (const layer of ['os', 'native', 'daemon', 'cli'])
    expect(PURE_LAYERS.test(`src/${layer}/x.ts`), layer).toBe(false);
});
