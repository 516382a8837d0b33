/**
 * The neighbours of a busy relay, all in one process: `crowd RELAY_KEY RELAY_ENDPOINT MEMBERS ROUTES`. Each member has a socket, a link with the
 * relay, and routes through it to the next member, on which nothing is ever sent. Prints a JSON line for each step: `{"linked":100}`, then
 * `{"open":10000,"failed":0}`.
 */
import { createHash, randomFillSync } from 'node:crypto';
import { pathToFileURL } from 'node:url';
import { fromHex, utf8 } from '../../../src/base/bytes.ts';
import { createDatagramBatch } from '../../../src/base/datagram.ts';
import { Drops } from '../../../src/base/drops.ts';
import type { NodeKey, SecretKey, ServiceKey } from '../../../src/base/ids.ts';
import { BULK, RELIABLE } from '../../../src/base/traffic-class.ts';
import type { Curve } from '../../../src/crypto/curve.ts';
import { createIdentity } from '../../../src/crypto/identity.ts';
import { RecordFlood } from '../../../src/graph/record-flood.ts';
import { LinkLayer } from '../../../src/link/link-layer.ts';
import { loadNative } from '../../../src/native/index.ts';
import type { Datapath, UdpSockets } from '../../../src/os/datapath.ts';
import { parseEndpoint } from '../../../src/os/endpoint.ts';
import { PortableTimer } from '../../../src/os/portable-timer.ts';
import { openPortableUdp } from '../../../src/os/portable-udp.ts';
import { RouteLayer } from '../../../src/route/route-layer.ts';
import { CHANNEL_0, CHANNEL0_KIND } from '../../../src/wire/channel0.ts';

/** Well below what a link takes in a second (docs/protocol.md section 5), and gentle to a relay on the same two cores. */
const SET_UPS_EVERY_MS = 100;
const HELLO_BYTES = 98;
const FIRST_PORT = 7_000;

export function memberSecret(member: number): SecretKey {
  return new Uint8Array(
    createHash('sha256')
      .update(utf8(`member ${member}`))
      .digest(),
  ) as SecretKey;
}

export function memberKey(curve: Curve, member: number): NodeKey {
  return curve.publicKey(memberSecret(member)) as NodeKey;
}

/** A node without sessions: links, routes and records. */
class Member {
  isLinked = false;
  open = 0;
  failed = 0;
  private readonly links: LinkLayer;
  private readonly routes: RouteLayer;
  private readonly flood: RecordFlood;
  private readonly path: readonly NodeKey[];
  private readonly timer = new PortableTimer();

  constructor(
    { curve, cipher }: Datapath,
    transport: UdpSockets,
    number: number,
    path: readonly NodeKey[],
    endpoint: Uint8Array,
  ) {
    const identity = createIdentity(curve, memberSecret(number));
    const random = { fill: (bytes: Uint8Array) => void randomFillSync(bytes) };
    const drops = new Drops();
    const log = { write: () => {} };
    const wallMs = () => Date.now();
    this.path = path;
    this.links = new LinkLayer({ identity, curve, cipher, random, transport, drops, log });
    const links = this.links;
    this.routes = new RouteLayer({
      ...{ identity, curve, random, drops, log, wallMs, links },
      events: {
        message: () => {},
        lost: () => {},
        writable: () => {},
        incoming: () => 'accept',
        failed: () => {
          this.failed++;
        },
        closed: () => {},
      },
    });
    const { routes } = this;
    links.source = routes.forwarding;
    const send = (link: Parameters<typeof links.sendChannel>[0], message: Uint8Array) =>
      links.sendChannel(link, CHANNEL_0, message);
    this.flood = new RecordFlood({ identity, curve, random, drops, wallMs, send, changed: () => {} });
    links.events = {
      linkUp: (link, peer, now) => {
        this.isLinked = true;
        routes.linkUp(link, peer, now);
        this.flood.linkUp(link, peer, now);
      },
      linkDown: (link, peer, _reason, now) => {
        this.isLinked = false;
        routes.linkDown(link, peer, now);
        this.flood.linkDown(link, peer, now);
      },
      data: (link, piece, now) => routes.forwarding.data(link, piece, now),
      credit: (link, ids, idAt, limit, now) => routes.forwarding.credit(link, ids, idAt, limit, now),
      blocked: (link, ids, idAt, limit, now) => routes.forwarding.blocked(link, ids, idAt, limit, now),
      load: (link, load) => routes.load(link, load),
      channelMessage: (link, _channel, message, now) => {
        const isRecord = message[0] === CHANNEL0_KIND.records || message[0] === CHANNEL0_KIND.recordsAck;
        if (isRecord) this.flood.receive(link, message, now);
        else routes.channelMessage(link, message, now);
      },
    };
    links.addPeer(path[0], endpoint);
    this.timer.onDue(() => this.act((now) => this.wake(now)));
    const batch = createDatagramBatch(64, 128 * 1_024);
    transport.onReadable(() => {
      while (transport.receive(batch) > 0) this.act((now) => links.receive(batch, now));
    });
    this.act((now) => links.start(now));
  }

  /** One route more. */
  openRoute(): void {
    this.act((now) => {
      const hello = new Uint8Array(HELLO_BYTES);
      const service = this.path[1] as Uint8Array as ServiceKey;
      const final = { service, hello, routeIndex: 0, trafficClass: BULK, deliveryMs: RELIABLE } as const;
      const opened = this.routes.open(this.path, final, now);
      if (typeof opened === 'string') this.failed++;
      else this.open++;
    });
  }

  private wake(now: number): void {
    this.links.wake(now);
    this.routes.wake(now);
    this.flood.wake(now);
  }

  private act(run: (now: number) => void): void {
    const now = performance.now();
    run(now);
    this.flood.drain(now);
    this.links.drain(now);
    const next = Math.min(this.links.nextWakeAt(), this.routes.nextWakeAt(), this.flood.nextWakeAt());
    this.timer.arm(Math.min(Math.max(0.1, next - performance.now()), 60_000));
  }
}

function say(event: Record<string, number>): void {
  process.stdout.write(`${JSON.stringify(event)}\n`);
}

async function main([key, place, count, routes]: string[]): Promise<void> {
  const loaded = loadNative();
  if (!('datapath' in loaded)) throw new Error(loaded.missing);
  const { datapath } = loaded;
  const size = Number(count);
  const relay = fromHex(key) as NodeKey;
  const endpoint = parseEndpoint(place, () => 0)!;
  const members: Member[] = [];
  for (let i = 0; i < size; i++) {
    // The addon has fewer devices than this takes.
    const transport = await openPortableUdp([{ address: '0.0.0.0', port: FIRST_PORT + i }]);
    const path = [relay, memberKey(datapath.curve, (i + 1) % size)];
    members.push(new Member(datapath, transport, i, path, endpoint));
  }
  const linking = setInterval(() => {
    if (!members.every(({ isLinked }) => isLinked)) return;
    clearInterval(linking);
    say({ linked: size });
    let rounds = Number(routes);
    const opening = setInterval(() => {
      for (const member of members) member.openRoute();
      if (--rounds > 0) return;
      clearInterval(opening);
      const sum = (pick: (member: Member) => number) => members.reduce((total, member) => total + pick(member), 0);
      say({ open: sum((member) => member.open), failed: sum((member) => member.failed) });
    }, SET_UPS_EVERY_MS);
  }, SET_UPS_EVERY_MS);
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) await main(process.argv.slice(2));
