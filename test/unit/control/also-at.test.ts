/** Peers with several addresses. */
import { expect, test } from 'vitest';
import { parseConfig } from '../../../src/control/config.ts';

const [KEY_A, KEY_B] = ['02', '03'].map((sign) => sign + 'ab'.repeat(32));

function problemOf(text: string) {
  const [problem] = parseConfig(text, 'f').problems ?? [];
  return problem && { key: problem.key, at: `${problem.line}:${problem.column}`, remedy: problem.remedy };
}

test("another address of a peer is nobody else's", () => {
  const first = `[[peer]]\nkey = "${KEY_A}"\nendpoint = "192.0.2.7:1"`;
  const second = `[[peer]]\nkey = "${KEY_B}"\nendpoint = "192.0.2.8:1"\nalso_at = ["192.0.2.7:1"]`;
  expect(problemOf(`${first}\n${second}`)).toMatchObject({ key: 'peer[1].also_at[0]', at: '7:12' });
});

test('a peer with other addresses has a first one', () => {
  const peer = `[[peer]]\nkey = "${KEY_A}"\nalso_at = ["192.0.2.7:1"]`;
  expect(problemOf(peer)).toMatchObject({ key: 'peer[0].also_at', remedy: 'Write the first address as endpoint' });
});

test('a peer has three other addresses at most', () => {
  const also = Array.from({ length: 4 }, (_, i) => `"192.0.2.${i + 10}:1"`).join(', ');
  const peer = `[[peer]]\nkey = "${KEY_A}"\nendpoint = "192.0.2.7:1"\nalso_at = [${also}]`;
  expect(problemOf(peer)).toMatchObject({ key: 'peer[0].also_at' });
});
