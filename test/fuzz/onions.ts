/**
 * Hostile channel-0 messages of routes into a RouteLayer with live links: SETUP with spoilt onions and with onions that
 * are rightly sealed around spoilt payloads, error onions for routes that exist, TEARDOWN and ROUTE_UNKNOWN. Every set-up
 * made is also fed unspoilt, so that there are routes to hit; links go down and come back.
 */
import type { RunContext, RunResult } from '../../scripts/run-contract.ts';
import { toHex } from '../../src/base/bytes.ts';
import { Drops } from '../../src/base/drops.ts';
import type { LinkId, SecretKey, ServiceKey } from '../../src/base/ids.ts';
import { SeededRandom } from '../../src/base/seeded-random.ts';
import {
  BULK,
  type DeliveryMs,
  REAL_TIME,
  RELIABLE,
  SENT_ONCE,
  type TrafficClass,
} from '../../src/base/traffic-class.ts';
import { buildFailure } from '../../src/crypto/error-onion.ts';
import { createIdentity, type Identity } from '../../src/crypto/identity.ts';
import { buildOnion, ONION_PAYLOADS_BYTES, peelOnion } from '../../src/crypto/sphinx.ts';
import { encodeFailure } from '../../src/route/route-failure.ts';
import { RouteLayer } from '../../src/route/route-layer.ts';
import type { LinkPort } from '../../src/route/route-ports.ts';
import {
  backwardIdOf,
  buildSetUp,
  type FinalHop,
  forwardIdOf,
  SETUP_ASSOCIATED_DATA,
} from '../../src/route/set-up/set-up.ts';
import { ROUTE_TUNING } from '../../src/route/tuning.ts';
import {
  CHANNEL0_KIND,
  encodeRouteFailed,
  encodeRouteUnknown,
  encodeSetup,
  encodeTeardown,
  parseRouteControl,
} from '../../src/wire/channel0.ts';
import { encodeHopPayload, parseHopPayload } from '../../src/wire/hop-payload.ts';
import { fastCurve } from '../helpers/fast-curve.ts';
import { quietMeasures } from '../helpers/quiet-link.ts';
import { type CaseKind, type FuzzTarget, fuzz } from './harness/fuzz-loop.ts';
import { mutate, mutateInPlace, noise } from './harness/mutation.ts';

export const about =
  'spoilt SETUP onions, error onions, TEARDOWN and ROUTE_UNKNOWN into the routes of a node with live links';
export const takes = '90 s, gate 3 s';
export const gate = true;

const LINKS = 4;
const WALL_START_MS = 1_700_000_000_000;
/** Four links of 50 set-ups a second: about one set-up a case gets past the rate. */
const STEP_MS = 5;
const FRESH_EVERY_CASES = 8;
const LINK_FLAP_EVERY_CASES = 5_000;
const SEEDS = 512;
const MAX_BYTES = 2_048;
/** A payload spoilt by growing must still fit the onion, with its length, its HMAC and the next hop's payload. */
const MAX_SPOILT_PAYLOAD_BYTES = ONION_PAYLOADS_BYTES - 400;
const KINDS = [CHANNEL0_KIND.setup, CHANNEL0_KIND.routeFailed, CHANNEL0_KIND.teardown, CHANNEL0_KIND.routeUnknown];
/** Bytes of a whole message of each kind. */
const LENGTHS = [1_367, 309, 17, 17];

/** A valid message and the link it belongs to. */
interface Seed {
  readonly link: LinkId;
  readonly message: Uint8Array;
}

export function run(context: RunContext): Promise<RunResult> {
  return fuzz({ name: 'onions', context, target: (seed) => new RoutesUnderFire(seed) });
}

class RoutesUnderFire implements FuzzTarget {
  readonly drops: readonly Drops[];
  private readonly curve = fastCurve();
  private readonly self: Identity;
  private readonly neighbours: Identity[];
  private readonly layer: RouteLayer;
  private readonly seeds: Seed[] = [];
  private seedCount = 0;
  private now = 0;
  private lastSetup: Uint8Array | undefined;
  private routesAccepted = 0;
  private routesFailed = 0;
  private messagesSent = 0;
  private mostRoutes = 0;

  constructor(seed: number) {
    const random = new SeededRandom(seed, 'route layer');
    const secretOf = (): SecretKey => {
      const secret = new Uint8Array(32);
      random.fill(secret);
      return secret as SecretKey;
    };
    this.self = createIdentity(this.curve, secretOf());
    this.neighbours = Array.from({ length: LINKS }, () => createIdentity(this.curve, secretOf()));
    const drops = new Drops();
    this.drops = [drops];
    this.layer = new RouteLayer({
      identity: this.self,
      curve: this.curve,
      random,
      links: this.links(),
      drops,
      log: { write: () => {} },
      wallMs: () => WALL_START_MS + this.now,
      events: {
        message: () => {},
        lost: () => {},
        writable: () => {},
        incoming: () => {
          if (random.chance(0.25)) return 'refused';
          this.routesAccepted++;
          return 'accept';
        },
        failed: () => {
          this.routesFailed++;
        },
        closed: () => {},
      },
    });
    for (const [link, { key }] of this.neighbours.entries()) this.layer.linkUp(link as LinkId, key, 0);
    for (let i = 0; i < LINKS; i++) this.makeSeeds(random);
  }

  prepare(random: SeededRandom, number: number): void {
    this.now += STEP_MS;
    if (this.layer.nextWakeAt() <= this.now) this.layer.wake(this.now);
    if (number % FRESH_EVERY_CASES === 0) this.makeSeeds(random);
    if (number % LINK_FLAP_EVERY_CASES === LINK_FLAP_EVERY_CASES - 1) {
      const link = random.integer(LINKS);
      const { key } = this.neighbours[link];
      this.layer.linkDown(link as LinkId, key, this.now);
      this.layer.linkUp(link as LinkId, key, this.now);
    }
  }

  feed(random: SeededRandom): CaseKind {
    const seed = random.pick(this.seeds);
    const link = random.chance(0.9) ? seed.link : (random.integer(LINKS) as LinkId);
    const isNoise = random.chance(0.15);
    const message = isNoise ? noiseMessage(random) : this.mutant(random, seed);
    this.layer.channelMessage(link, message, this.now);
    return isNoise ? 'noise' : 'mutant';
  }

  checkBounds(): void {
    const { relayed, origin, destination, parkedBytes, unfinishedMessages } = this.layer.status();
    const routes = relayed + destination;
    this.mostRoutes = Math.max(this.mostRoutes, routes + origin);
    if (routes > LINKS * ROUTE_TUNING.routesPerLink) throw new Error(`${routes} routes were set up by ${LINKS} links`);
    if (origin > ROUTE_TUNING.maxOriginRoutes) throw new Error(`${origin} routes begin here`);
    if (parkedBytes + unfinishedMessages > 0) throw new Error('no piece was fed and some are held');
  }

  /** A route can still be set up to this node and through it; left alone, every route goes. */
  finish(): Record<string, unknown> {
    this.runIdle(2_000);
    const before = this.layer.status();
    const random = new SeededRandom(1, 'proof of life');
    this.setUpFrom(random, 0 as LinkId, undefined);
    this.setUpFrom(random, 0 as LinkId, 1 as LinkId);
    const after = this.layer.status();
    if (after.relayed !== before.relayed + 1) throw new Error('no route can be set up through the node any more');
    this.runIdle(120_000);
    const { relayed, origin, destination } = this.layer.status();
    if (relayed + origin + destination > 0) throw new Error('idle routes are not removed');
    const { routesAccepted, routesFailed, messagesSent, mostRoutes } = this;
    return {
      routes_accepted: routesAccepted,
      origin_routes_failed: routesFailed,
      most_routes: mostRoutes,
      messages_sent: messagesSent,
    };
  }

  private runIdle(ms: number): void {
    const until = this.now + ms;
    for (let at = this.layer.nextWakeAt(); at <= until; at = this.layer.nextWakeAt()) {
      this.now = Math.max(this.now, at);
      this.layer.wake(this.now);
    }
    this.now = until;
  }

  private mutant(random: SeededRandom, seed: Seed): Uint8Array {
    if (random.chance(0.1)) return this.sealedMutant(random);
    // As it is: what the others need to meet a route that is there.
    if (random.chance(0.1)) return seed.message;
    const other = random.pick(this.seeds).message;
    if (random.chance(0.7)) return mutateInPlace(random, seed.message, other);
    return mutate(random, seed.message, other, MAX_BYTES);
  }

  /** An onion that opens well, with a spoilt payload in it: what a hostile origin can send. */
  private sealedMutant(random: SeededRandom): Uint8Array {
    const sessionSecret = this.freshSecret(random);
    const next = random.pick(this.neighbours);
    const every = {
      previousId: noise(random, 16, 16),
      expiry: Math.floor((WALL_START_MS + this.now) / 1_000) + 60,
      ...promise(random),
    };
    const middle = encodeHopPayload({ kind: 'middle', ...every, nextNode: next.key, nextId: noise(random, 16, 16) });
    const last = encodeHopPayload({ kind: 'last', ...finalHop(random), ...every });
    const [payload, other] = random.chance(0.5) ? [middle, last] : [last, middle];
    let spoilt = mutate(random, payload, other, MAX_SPOILT_PAYLOAD_BYTES);
    if (spoilt.length < 2) spoilt = noise(random, 2, 40);
    const hops = [{ nodeKey: this.self.key, payload: spoilt }];
    if (random.chance(0.5)) hops.push({ nodeKey: next.key, payload: last });
    const { curve } = this;
    const onion = buildOnion({ curve, sessionSecret, hops, associatedData: SETUP_ASSOCIATED_DATA });
    return encodeSetup(onion.packet);
  }

  private makeSeeds(random: SeededRandom): void {
    const from = random.integer(LINKS) as LinkId;
    const kind = random.integer(3);
    if (kind === 0) this.openOwn(random, from);
    else this.setUpFrom(random, from, kind === 1 ? undefined : (((from + 1) % LINKS) as LinkId));
  }

  /** A neighbour sets a route up, to this node or through it to another; what may be said of the route becomes seeds. */
  private setUpFrom(random: SeededRandom, from: LinkId, to: LinkId | undefined): void {
    const path = to === undefined ? [this.self.key] : [this.self.key, this.neighbours[to].key];
    const setUp = buildSetUp({
      curve: this.curve,
      random,
      sessionSecret: this.freshSecret(random),
      path,
      final: finalHop(random),
      expiry: Math.floor((WALL_START_MS + this.now) / 1_000) + 60,
    });
    const message = encodeSetup(setUp.onion);
    this.layer.channelMessage(from, message, this.now);
    const [own, next] = setUp.sharedSecrets;
    this.addSeed(from, message);
    this.addSeed(from, encodeTeardown(forwardIdOf(own)));
    this.addSeed(from, encodeRouteUnknown(setUp.backwardId));
    if (to === undefined) return;
    this.addSeed(to, encodeTeardown(backwardIdOf(own)));
    this.addSeed(to, encodeRouteUnknown(forwardIdOf(next)));
    this.addSeed(to, encodeRouteFailed(backwardIdOf(own), buildFailure(next, encodeFailure('limit'))));
  }

  /** A route that begins at this node; the neighbour, whose secret is known here, may answer. */
  private openOwn(random: SeededRandom, to: LinkId): void {
    const neighbour = this.neighbours[to];
    const route = this.layer.open([neighbour.key], finalHop(random), this.now);
    if (typeof route === 'string' || this.lastSetup === undefined) return;
    const control = parseRouteControl(this.lastSetup);
    if (control?.kind !== 'setup') throw new Error('a route was opened without a SETUP');
    const { curve } = this;
    const associatedData = SETUP_ASSOCIATED_DATA;
    const peeled = peelOnion({ curve, nodeSecret: neighbour.secret, packet: control.onion, associatedData });
    if (typeof peeled === 'string') throw new Error(`the node's own SETUP does not open: ${peeled}`);
    const { previousId } = parseHopPayload(peeled.payload);
    if (previousId === undefined) throw new Error("the node's own SETUP has no way back");
    this.addSeed(to, encodeRouteFailed(previousId, buildFailure(peeled.sharedSecret, encodeFailure('refused'))));
    this.addSeed(to, encodeTeardown(previousId));
    this.addSeed(to, encodeRouteUnknown(forwardIdOf(peeled.sharedSecret)));
  }

  private addSeed(link: LinkId, message: Uint8Array): void {
    this.seeds[this.seedCount++ % SEEDS] = { link, message };
  }

  private freshSecret(random: SeededRandom): SecretKey {
    const secret = noise(random, 32, 32);
    return this.curve.isSecret(secret) ? secret : this.freshSecret(random);
  }

  private links(): LinkPort {
    const linkOfKey = new Map(this.neighbours.map(({ key }, link) => [toHex(key), link as LinkId]));
    const measures = quietMeasures(MAX_BYTES);
    return {
      linkOf: (peer) => linkOfKey.get(toHex(peer)),
      sendable: () => {},
      askLoad: () => {},
      measures: () => measures,
      sendChannel: (_link, _channel, message) => {
        this.messagesSent++;
        if (message[0] === CHANNEL0_KIND.setup) this.lastSetup = message;
        return true;
      },
    };
  }
}

function finalHop(random: SeededRandom): FinalHop {
  const service = noise(random, 33, 33) as ServiceKey;
  return { service, hello: noise(random, 98, 160), routeIndex: random.integer(8), ...promise(random) };
}

function promise(random: SeededRandom): { trafficClass: TrafficClass; deliveryMs: DeliveryMs } {
  return { trafficClass: random.pick([BULK, REAL_TIME]), deliveryMs: random.pick([SENT_ONCE, 150, RELIABLE]) };
}

/** Noise of any shape, or behind a right kind byte and of a right length. */
function noiseMessage(random: SeededRandom): Uint8Array {
  if (random.chance(0.5)) return noise(random, 0, MAX_BYTES);
  const kind = random.integer(KINDS.length);
  const message = noise(random, LENGTHS[kind], LENGTHS[kind]);
  message[0] = KINDS[kind];
  return message;
}
