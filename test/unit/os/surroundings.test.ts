/** What `skywire setup` finds out about a machine, in network namespaces of their own. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { findResolver } from '../../../src/os/surroundings.ts';
import { Box } from './box-driver.ts';
import { Namespaces } from './namespaces.ts';

let spaces: Namespaces;
let namespace: string;
let box: Box;

beforeAll(() => {
  spaces = new Namespaces();
  namespace = spaces.add('server');
  const internet = spaces.add('internet');
  for (const device of ['up0', 'up1']) spaces.connect(namespace, device, internet, device);
  box = new Box(namespace, spaces.directory);
});

afterAll(async () => {
  await box.kill();
  spaces.remove();
});

const inServer = (command: string): string => spaces.in(namespace, ...command.split(' '));
/** What the box answers, as a value. */
const asked = async (action: string) => JSON.parse((await box.do(action)).replace(/^ok /, ''));

function file(name: string, text: string): string {
  const path = join(spaces.directory, name);
  writeFileSync(path, text);
  return path;
}

test('the uplink is where the most preferred default route leads', async () => {
  expect(await asked('find-uplink')).toBeNull();
  inServer('ip address add 192.0.2.2/24 dev up0');
  inServer('ip address add 203.0.113.2/24 dev up1');
  inServer('ip route add default via 192.0.2.1 metric 200');
  expect(await asked('find-uplink')).toEqual({ interface: 'up0', address: '192.0.2.2' });
  inServer('ip route add default via 203.0.113.1 metric 100');
  expect(await asked('find-uplink')).toEqual({ interface: 'up1', address: '203.0.113.2' });
});

test('firewalls of others that drop by default are found, and nothing else', async () => {
  const chain = (name: string, hook: string, policy: string) =>
    `chain ${name} {\n type filter hook ${hook} priority 0; policy ${policy};\n}\n`;
  const others = ['INPUT input drop', 'FORWARD forward accept', 'OUTPUT output drop'].map((line) => {
    const [name, hook, policy] = line.split(' ');
    return chain(name, hook, policy);
  });
  const tables = { 'ip filter': others.join(''), 'inet skywire': chain('f', 'forward', 'drop') };
  for (const [name, chains] of Object.entries(tables)) spaces.load(namespace, `table ${name} {\n${chains}}\n`);
  expect(await asked('foreign-drop-chains')).toEqual([{ name: 'ip filter INPUT', hook: 'input' }]);
});

test('the resolver is the first IPv4 one that is not this machine itself', () => {
  const stub = file('stub', 'nameserver 127.0.0.53\noptions edns0\n');
  const real = file(
    'real',
    '# nameserver 192.0.2.1\nnameserver fe80::1%eth0\nnameserver 192.0.2.53\nnameserver 192.0.2.54\n',
  );
  expect(findResolver([join(spaces.directory, 'missing'), stub, real])).toBe('192.0.2.53');
  expect(findResolver([stub])).toBeUndefined();
});
