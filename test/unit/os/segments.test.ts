/**
 * Two boxes on two cables in a kernel: what is called into one is heard on the other end, and nowhere else.
 *
 *   a ──six──six── b      IPv6 alone
 *   a ──four─four─ b      IPv4 alone
 *   a ──lan0─lan0─ b      left out, as the LAN is
 */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Box } from './box-driver.ts';
import { Namespaces } from './namespaces.ts';

let spaces: Namespaces;
let a: string;
let b: string;
let boxes: Box[];

beforeEach(async () => {
  spaces = new Namespaces();
  [a, b] = [spaces.add('a'), spaces.add('b')];
  for (const device of ['six', 'four', 'lan0']) spaces.connect(a, device, b, device);
  for (const [i, space] of [a, b].entries()) {
    spaces.in(space, 'sysctl', '-qw', 'net.ipv6.conf.four.disable_ipv6=1');
    spaces.in(space, 'ip', 'address', 'add', `10.9.0.${i + 1}/24`, 'dev', 'four');
  }
  boxes = [a, b].map((space) => new Box(space, spaces.directory));
  for (const box of boxes) await box.do('segments-start');
  // Two programs start, on a machine that may be busy.
}, 60_000);

afterEach(async () => {
  for (const box of boxes) await box.kill();
  spaces.remove();
});

function numberOf(space: string, device: string): number {
  return JSON.parse(spaces.in(space, 'ip', '-j', 'link', 'show', 'dev', device))[0].ifindex;
}

function linkLocalOf(space: string, device: string): string {
  const [{ addr_info: addresses }] = JSON.parse(spaces.in(space, 'ip', '-6', '-j', 'address', 'show', 'dev', device));
  return addresses[0].local;
}

/** What a box says that it heard next. */
async function heardBy(box: Box): Promise<{ id: number; from: string; text: string }> {
  return JSON.parse((await box.logged('heard')).replace(/^.*?(?=\{)/, ''));
}

describe('beacons', () => {
  test('are heard at the other end of the cable, from a link-local address with its scope', async () => {
    const [boxA, boxB] = boxes;
    for (const box of boxes) await box.logged('six four');
    await boxA.do(`segments-call ${numberOf(a, 'six')} hello`);
    const id = numberOf(b, 'six');
    const { from, ...heard } = await heardBy(boxB);
    expect(heard).toEqual({ id, text: 'hello0' });
    expect(from).toMatch(new RegExp(`^\\[${linkLocalOf(a, 'six')}%${id}\\]:\\d+$`));
  });

  test('take IPv4 where there is nothing else, and say on which segment by their network', async () => {
    const [boxA, boxB] = boxes;
    for (const box of boxes) await box.logged('six four');
    await boxA.do(`segments-call ${numberOf(a, 'four')} hello`);
    const { from, ...heard } = await heardBy(boxB);
    expect(heard).toEqual({ id: numberOf(b, 'four'), text: 'hello0' });
    expect(from).toMatch(/^10\.9\.0\.1:\d+$/);
  });

  test('cost no more than so many a second, and are heard again when the flood is over', async () => {
    const [boxA, boxB] = boxes;
    for (const box of boxes) await box.logged('six four');
    const id = numberOf(a, 'six');
    await boxA.do(`segments-call ${id} flood 5000`);
    await boxA.do(`segments-keep-calling ${id} after`);
    let heard = 0;
    while ((await heardBy(boxB)).text !== 'after') heard++;
    expect(heard).toBeLessThanOrEqual(200);
  });
});

describe('interfaces', () => {
  test('are noticed when their cable is pulled and put back, when they are renamed, and when they come', async () => {
    const [boxA, boxB] = boxes;
    for (const box of boxes) await box.logged('six four');
    spaces.in(b, 'ip', 'link', 'set', 'six', 'down');
    expect(await boxA.logged('segments')).toContain('"four"');
    spaces.in(b, 'ip', 'link', 'set', 'six', 'up');
    await boxA.logged('six four');
    const id = numberOf(a, 'six');
    spaces.in(a, 'ip', 'link', 'set', 'six', 'down');
    spaces.in(a, 'ip', 'link', 'set', 'six', 'name', 'renamed');
    spaces.in(a, 'ip', 'link', 'set', 'renamed', 'up');
    await boxA.logged('renamed four');
    await boxB.logged('six four');
    await boxA.do(`segments-call ${id} again`);
    expect((await heardBy(boxB)).text).toBe('again0');
    spaces.connect(a, 'new', b, 'new');
    await boxA.logged('new');
    await boxB.logged('new');
  });
});
