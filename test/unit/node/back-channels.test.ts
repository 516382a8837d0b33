/** The table of back channels over a drawn graph and sessions that only write down; whole networks are in test/sim/one-way.ts. */
import { beforeEach, describe, expect, it } from 'vitest';
import { createDatagramBatch, type DatagramBatch, ENDPOINT_BYTES } from '../../../src/base/datagram.ts';
import { Drops } from '../../../src/base/drops.ts';
import type { NodeKey } from '../../../src/base/ids.ts';
import { SeededRandom } from '../../../src/base/seeded-random.ts';
import type { ConnectOptions } from '../../../src/bundle/bundle-layer.ts';
import type { Session } from '../../../src/bundle/session.ts';
import type { PathGraph } from '../../../src/graph/path-graph.ts';
import { backHandleOf } from '../../../src/link/one-way/back-endpoint.ts';
import { BackChannels } from '../../../src/node/back-channels.ts';
import { LINK_DATAGRAM_MAX_BYTES, TUNNEL_KIND } from '../../../src/wire/tunnel-message.ts';
import { fastCurve } from '../../helpers/fast-curve.ts';
import { type Edge, graphFrom, keyOf, namesOf } from '../graph/drawn-graph.ts';

/** What a back channel does with its session. */
class FakeSession {
  state = 'up';
  closed = false;
  hasRoom = true;
  readonly sent: Uint8Array[] = [];
  readonly options: ConnectOptions | undefined;

  constructor(options?: ConnectOptions) {
    this.options = options;
  }

  send(message: Uint8Array): boolean {
    if (this.hasRoom) this.sent.push(message.slice());
    return this.hasRoom;
  }

  close(): void {
    this.closed = true;
  }

  status(): unknown {
    return { routes: this.options!.paths().map((path) => ({ path })) };
  }

  get asSession(): Session {
    return this as unknown as Session;
  }
}

let graph: PathGraph;
let drops: Drops;
let sessions: FakeSession[];
let changes: string[];
let channels: BackChannels;

function draw(edges: readonly Edge[]): void {
  graph = graphFrom(edges);
}

beforeEach(() => {
  draw([
    [0, 1],
    [0, 2],
    [0, 3],
    [2, 1],
    [3, 1],
  ]);
  drops = new Drops();
  sessions = [];
  changes = [];
  channels = new BackChannels({
    self: keyOf(0),
    // The one that is drawn by then.
    graph: {
      get bound() {
        return graph.bound;
      },
      numberOf: (key) => graph.numberOf(key),
      keyOf: (number) => graph.keyOf(number),
      linksOf: (number) => graph.linksOf(number),
    },
    bundles: {
      connect: (options) => {
        const session = new FakeSession(options);
        sessions.push(session);
        return session.asSession;
      },
      pathsChanged: () => changes.push('paths'),
    },
    curve: fastCurve(),
    random: new SeededRandom(1, 'back channels'),
    drops,
    changed: (peer: NodeKey, detour: boolean) => changes.push(`${namesOf([peer])[0]} ${detour}`),
  });
});

/** What the link layer sends: datagrams of `bytes` bytes to one endpoint. */
function send(endpoint: Uint8Array, bytes: number, times = 1): void {
  const batch = createDatagramBatch(1, 4_096);
  batch.count = 1;
  batch.lengths[0] = bytes;
  batch.arena.fill(7);
  batch.endpoints.set(endpoint);
  for (let i = 0; i < times; i++) channels.send(batch, 0);
}

/** Lengths and handles of what came. */
function received(): [number, number][] {
  const out: [number, number][] = [];
  channels.receive((batch: DatagramBatch) => {
    for (let i = 0; i < batch.count; i++)
      out.push([batch.lengths[i], backHandleOf(batch.endpoints, i * ENDPOINT_BYTES)]);
  });
  return out;
}

const LINK_MESSAGE = Uint8Array.of(TUNNEL_KIND.link, 1, 2, 3);

describe('a back channel of one’s own', () => {
  it('is a session with the neighbour’s own key, over all paths but the link itself', () => {
    const endpoint = channels.open(keyOf(1), 0);
    expect(endpoint).toBeDefined();
    expect(channels.open(keyOf(1), 10)).toEqual(endpoint);
    expect(sessions.length).toBe(1);
    expect(sessions[0].options!.service).toEqual(keyOf(1));
    expect(sessions[0].options!.paths().map(namesOf)).toEqual([
      [2, 1],
      [3, 1],
    ]);
    expect(changes).toEqual(['1 true']);
    expect(channels.serves(keyOf(1))).toBe(true);
  });

  it('does not exist while there is no way round', () => {
    draw([
      [0, 1],
      [0, 2],
    ]);
    expect(channels.open(keyOf(1), 0)).toBeUndefined();
    expect(channels.serves(keyOf(1))).toBe(false);
    expect([sessions, changes]).toEqual([[], []]);
  });

  it('carries datagrams as LINK messages with the next drain, and brings answers', () => {
    const endpoint = channels.open(keyOf(1), 0)!;
    send(endpoint, 100);
    expect(channels.nextWakeAt()).toBe(0);
    expect(sessions[0].sent).toEqual([]);
    expect(channels.drain(5)).toBe(true);
    expect(channels.drain(5)).toBe(false);
    expect(sessions[0].sent).toEqual([Uint8Array.of(TUNNEL_KIND.link, ...new Array(100).fill(7))]);
    sessions[0].options!.events.message(sessions[0].asSession, LINK_MESSAGE, 6);
    sessions[0].options!.events.message(sessions[0].asSession, Uint8Array.of(TUNNEL_KIND.echo, 1), 6);
    expect(channels.nextWakeAt()).toBe(0);
    expect(received()).toEqual([[3, backHandleOf(endpoint, 0)]]);
    expect(received()).toEqual([]);
  });

  it('leaves out the links of other back channels, its own node’s at once and others’ by their records', () => {
    channels.open(keyOf(1), 0);
    expect(channels.open(keyOf(2), 0)).toBeDefined();
    expect(sessions[1].options!.paths().map(namesOf)).toEqual([[3, 1, 2]]);
    expect(sessions[0].options!.paths().map(namesOf)).toEqual([[3, 1]]);
    draw([
      [0, 1],
      [0, 3],
      [3, 1, 1, 'detour'],
    ]);
    expect(sessions[0].options!.paths()).toEqual([]);
  });

  it('gets another session when one of its links has become a detour, and goes without while there is no path', () => {
    const endpoint = channels.open(keyOf(1), 0)!;
    let path = [2, 1];
    sessions[0].status = () => ({ routes: [{ path: path.map(keyOf) }] });
    channels.graphChanged(100);
    expect(sessions.length).toBe(1);
    draw([
      [0, 1],
      [0, 2],
      [2, 1, 1, 'detour'],
      [0, 3],
      [3, 1],
    ]);
    channels.graphChanged(200);
    expect(sessions[0].closed).toBe(true);
    expect(sessions[1].options!.paths().map(namesOf)).toEqual([[3, 1]]);
    path = [3, 1];
    sessions[1].status = sessions[0].status;
    draw([
      [0, 1],
      [0, 3],
      [3, 1, 1, 'detour'],
    ]);
    channels.graphChanged(300);
    expect(sessions[1].closed).toBe(true);
    expect(sessions.length).toBe(2);
    send(endpoint, 100);
    channels.drain(300);
    expect(drops.get('back-channel-closed')).toBe(1);
    draw([
      [0, 3],
      [3, 1],
    ]);
    channels.wake(1_299);
    expect(sessions.length).toBe(2);
    channels.wake(1_300);
    expect(sessions.length).toBe(3);
    send(endpoint, 100);
    channels.drain(1_300);
    expect(sessions[2].sent.length).toBe(1);
  });

  it('gets another session a second after one ended', () => {
    const endpoint = channels.open(keyOf(1), 0)!;
    sessions[0].options!.events.closed(sessions[0].asSession, 'refused', 5_000);
    expect(channels.nextWakeAt()).toBe(6_000);
    channels.wake(6_000);
    expect(sessions.length).toBe(2);
    expect(channels.open(keyOf(1), 7_000)).toEqual(endpoint);
    expect(changes).toEqual(['1 true']);
  });

  it('passes 50 datagrams a second at most until its other end is heard: it may be a circle', () => {
    const endpoint = channels.open(keyOf(1), 0)!;
    sessions[0].state = 'opening';
    send(endpoint, 100, 60);
    channels.drain(0);
    expect(sessions[0].sent.length).toBe(50);
    expect(drops.get('back-channel-unheard')).toBe(10);
    send(endpoint, 100, 60);
    channels.drain(500);
    expect(sessions[0].sent.length).toBe(75);
    sessions[0].state = 'up';
    send(endpoint, 100, 60);
    channels.drain(500);
    expect(sessions[0].sent.length).toBe(135);
  });

  it('is over when it is closed, and its endpoint leads nowhere', () => {
    const endpoint = channels.open(keyOf(1), 0)!;
    channels.close(keyOf(1), 10);
    channels.close(keyOf(1), 10);
    expect(sessions[0].closed).toBe(true);
    expect(changes).toEqual(['1 true', '1 false']);
    send(endpoint, 100);
    channels.drain(10);
    expect(drops.get('back-channel-closed')).toBe(1);
    expect(channels.open(keyOf(1), 20)).not.toEqual(endpoint);
  });

  it('is one of 64 at most', () => {
    const leaves = Array.from({ length: 65 }, (_, i): Edge[] => [
      [0, 10 + i],
      [10 + i, 1],
    ]);
    draw([...leaves.flat(), [0, 1]]);
    const opened = leaves.map((_, i) => channels.open(keyOf(10 + i), 0));
    expect(opened.filter((endpoint) => endpoint !== undefined).length).toBe(64);
    expect(drops.get('back-channel-limit')).toBe(1);
    channels.close(keyOf(10), 0);
    expect(channels.open(keyOf(74), 0)).toBeDefined();
  });
});

describe('a back channel of somebody else', () => {
  it('is known from its first LINK message, and gets answers', () => {
    const session = new FakeSession();
    expect(channels.serviceMessage(session.asSession, Uint8Array.of(TUNNEL_KIND.echo, 1))).toBe(false);
    expect(channels.serviceMessage(session.asSession, LINK_MESSAGE)).toBe(true);
    expect(channels.serviceMessage(session.asSession, LINK_MESSAGE)).toBe(true);
    let endpoint = new Uint8Array(0);
    channels.receive((batch) => {
      expect(batch.count).toBe(2);
      expect(batch.endpoints.slice(0, ENDPOINT_BYTES)).toEqual(
        batch.endpoints.slice(ENDPOINT_BYTES, 2 * ENDPOINT_BYTES),
      );
      endpoint = batch.endpoints.slice(0, ENDPOINT_BYTES);
    });
    send(endpoint, 78);
    channels.drain(0);
    expect(session.sent.map(({ length }) => length)).toEqual([79]);
    channels.serviceClosed(session.asSession);
    send(endpoint, 78);
    channels.drain(0);
    expect(drops.get('back-channel-closed')).toBe(1);
  });

  it('gives way when 256 others were used after it', () => {
    const all = Array.from({ length: 257 }, () => new FakeSession());
    for (const session of all.slice(0, 256)) channels.serviceMessage(session.asSession, LINK_MESSAGE);
    const handles = received().map(([, handle]) => handle);
    channels.serviceMessage(all[0].asSession, LINK_MESSAGE);
    channels.serviceMessage(all[256].asSession, LINK_MESSAGE);
    expect(drops.get('back-channel-limit')).toBe(1);
    channels.serviceMessage(all[0].asSession, LINK_MESSAGE);
    channels.serviceMessage(all[1].asSession, LINK_MESSAGE);
    const [first, , again, second] = received().map(([, handle]) => handle);
    expect([first, again]).toEqual([handles[0], handles[0]]);
    expect(handles).not.toContain(second);
  });

  it('brings no datagram that is empty or too long, and no more than 256 at once', () => {
    const session = new FakeSession().asSession;
    channels.serviceMessage(session, Uint8Array.of(TUNNEL_KIND.link));
    channels.serviceMessage(session, new Uint8Array(LINK_DATAGRAM_MAX_BYTES + 2).fill(TUNNEL_KIND.link));
    expect(drops.get('back-channel-malformed')).toBe(2);
    for (let i = 0; i < 258; i++) channels.serviceMessage(session, LINK_MESSAGE);
    expect(drops.get('back-channel-crowded')).toBe(2);
    expect(received().length).toBe(256);
  });
});

describe('what the link layer sends', () => {
  it('is lost, and counted, when it is too long, too much, or the session has no room', () => {
    const endpoint = channels.open(keyOf(1), 0)!;
    send(endpoint, LINK_DATAGRAM_MAX_BYTES + 1);
    expect(drops.get('back-channel-length')).toBe(1);
    send(endpoint, LINK_DATAGRAM_MAX_BYTES, 257);
    expect(drops.get('back-channel-crowded')).toBe(1);
    channels.drain(0);
    expect(sessions[0].sent.length).toBe(256);
    sessions[0].hasRoom = false;
    send(endpoint, 10);
    channels.drain(0);
    expect(drops.get('back-channel-room')).toBe(1);
  });
});
