/** What is sealed end to end, and what is left to the link, between neighbours and others. */
import { describe, expect, it } from 'vitest';
import { ROUTE_MESSAGE } from '../../../../src/wire/route-message.ts';
import { numbered, numbersOf, type PairOptions, RoutePair } from '../route-pair.ts';

interface Seen {
  readonly from: number;
  readonly type: number;
  /** Of a bare message. */
  readonly kind: number;
}

/** Both ends send `count` messages; what a tap on the path saw of them. */
function converse(options: Partial<PairOptions>, count = 40): { pair: RoutePair; seen: Seen[] } {
  const pair = new RoutePair({ paths: [{ delayMs: 5 }], ...options });
  const seen: Seen[] = [];
  pair.tap = (from, message) => seen.push({ from, type: message[0], kind: message[8] });
  pair.runTo(200);
  for (let i = 0; i < count; i++, pair.run(50)) {
    pair.session.send(numbered(i, 500), pair.now);
    pair.serviceSession.send(numbered(i, 500), pair.now);
  }
  pair.run(500);
  const all = Array.from({ length: count }, (_, i) => i);
  expect(numbersOf(pair.serviceOwner.received)).toEqual(all);
  expect(numbersOf(pair.clientOwner.received)).toEqual(all);
  return { pair, seen };
}

const bare = (seen: readonly Seen[], from: number) =>
  seen.filter((message) => message.from === from && message.type === ROUTE_MESSAGE.bare);
const sealsOf = (pair: RoutePair) => pair.session.status(pair.now).routes.map(({ seal }) => seal);

describe('the seal of a session', () => {
  it('is left to the link between neighbours where the client wants that, for data and reports only', () => {
    const { pair, seen } = converse({ neighbours: 'true', sealsTwice: false });
    expect(sealsOf(pair)).toEqual(['link', 'link']);
    expect(pair.serviceSession.status(pair.now).routes.map(({ seal }) => seal)).toEqual(['link', 'link']);
    for (const from of [0, 1]) {
      expect(bare(seen, from).length).toBeGreaterThan(40);
      expect(new Set(bare(seen, from).map(({ kind }) => kind))).toEqual(new Set([1, 3]));
    }
    expect(pair.session.status(pair.now).rekeys).toBeGreaterThan(0);
    expect(pair.drops.map((drops) => drops.toJSON())).toEqual([{}, {}]);
  });

  it('is never left out unless the client wants that', () => {
    const { pair, seen } = converse({ neighbours: 'true' });
    expect(sealsOf(pair)).toEqual(['end-to-end', 'end-to-end']);
    expect([...bare(seen, 0), ...bare(seen, 1)]).toEqual([]);
  });

  it('stays where the route has a relay', () => {
    const { pair, seen } = converse({ sealsTwice: false });
    expect(sealsOf(pair)).toEqual(['end-to-end', 'end-to-end']);
    expect([...bare(seen, 0), ...bare(seen, 1)]).toEqual([]);
  });

  it('stays where the neighbour passes everything on to a service behind it', () => {
    const { pair, seen } = converse({ neighbours: 'behind', sealsTwice: false });
    expect(sealsOf(pair)).toEqual(['end-to-end', 'end-to-end']);
    expect([...bare(seen, 0), ...bare(seen, 1)]).toEqual([]);
    expect(pair.drops[1].toJSON()).toEqual({ 'bundle-neighbour-wrong': 2 });
  });

  it('keeps bare messages out that nobody agreed on', () => {
    const { pair } = converse({ neighbours: 'true' });
    const message = new Uint8Array(60).fill(7);
    message.set([ROUTE_MESSAGE.bare, 0]);
    for (const end of [0, 1] as const) pair.forge(end, message);
    pair.run(100);
    expect(pair.drops.map((drops) => drops.toJSON())).toEqual([
      { 'bundle-bare-unexpected': 1 },
      { 'bundle-bare-unexpected': 1 },
    ]);
    expect(sealsOf(pair)).toEqual(['end-to-end', 'end-to-end']);
  });

  it('is asked for in everything that changes keys or ends the session, whatever was agreed', () => {
    const { pair } = converse({ neighbours: 'true', sealsTwice: false });
    for (const kind of [4, 5, 6, 7, 8, 9, 10]) {
      const message = new Uint8Array(8 + 40);
      message.set([ROUTE_MESSAGE.bare, 0, 0, 0, 0, 1, 0, kind]);
      message[8] = kind;
      for (const end of [0, 1] as const) pair.forge(end, message);
    }
    pair.run(100);
    expect(pair.drops.map((drops) => drops.toJSON())).toEqual([{ 'bundle-bare-kind': 7 }, { 'bundle-bare-kind': 7 }]);
    expect(pair.session.state).toBe('up');
  });

  it('is agreed on again on the routes of a new session', () => {
    const { pair } = converse({ neighbours: 'true', sealsTwice: false });
    pair.restartService(true);
    pair.run(3_000);
    pair.session.send(numbered(1_000, 500), pair.now);
    pair.run(500);
    expect(numbersOf(pair.serviceOwner.received)).toContain(1_000);
    expect(sealsOf(pair)).toEqual(['link', 'link']);
  });
});
