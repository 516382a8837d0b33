/** Discoveries on segments in memory, with virtual time; links come up when both ends have tried and nothing forbids it. */
import { fromHex, toHex } from '../../../src/base/bytes.ts';
import { Drops } from '../../../src/base/drops.ts';
import type { KeyText, NodeKey, SecretKey } from '../../../src/base/ids.ts';
import { SeededRandom } from '../../../src/base/seeded-random.ts';
import { createIdentity, type Identity } from '../../../src/crypto/identity.ts';
import { type Acceptance, Discovery } from '../../../src/discovery/discovery.ts';
import type { PeerPort } from '../../../src/discovery/ports.ts';
import type { DiscoveryTuning } from '../../../src/discovery/tuning.ts';
import type { Proof } from '../../../src/wire/proof.ts';
import { fastCurve } from '../../helpers/fast-curve.ts';

export const curve = fastCurve();
export const WALL_MS = 1_800_000_000_000;
/** There is none for IPv6. */
export const IPV4_SOCKET = 1;

export function identityOf(name: string): Identity {
  const secret = new Uint8Array(32);
  new SeededRandom(1, name).fill(secret);
  return createIdentity(curve, secret as SecretKey);
}

/** What the links of a node were told. */
export class FakePeers implements PeerPort {
  readonly states = new Map<KeyText, 'up' | 'down'>();
  readonly told: string[] = [];
  readonly endpoints: Uint8Array[] = [];
  /** Where peers are heard while they are up. */
  readonly heardAt = new Map<KeyText, Uint8Array>();
  readonly probed: {
    readonly key: NodeKey;
    readonly endpoint: Uint8Array;
    readonly answered: (now: number) => void;
  }[] = [];

  stateOf(key: NodeKey) {
    return this.states.get(toHex(key));
  }

  add(key: NodeKey, endpoint: Uint8Array | undefined): void {
    this.states.set(toHex(key), 'down');
    this.told.push('add');
    if (endpoint !== undefined) this.endpoints.push(endpoint.slice());
  }

  meet(_key: NodeKey, endpoint: Uint8Array): void {
    this.told.push('meet');
    this.endpoints.push(endpoint.slice());
  }

  remove(key: NodeKey): void {
    this.states.delete(toHex(key));
    this.told.push('remove');
  }

  endpointOf(key: NodeKey): Uint8Array | undefined {
    return this.states.get(toHex(key)) === 'up' ? this.heardAt.get(toHex(key)) : undefined;
  }

  /** Where nodes answer is up to the test. */
  probe(key: NodeKey, endpoint: Uint8Array, answered: (now: number) => void): boolean {
    this.probed.push({ key, endpoint: endpoint.slice(), answered });
    return true;
  }
}

export class DiscoveringBox {
  readonly identity: Identity;
  readonly drops = new Drops();
  readonly events: string[] = [];
  readonly peers = new FakePeers();
  readonly beacons: { readonly segment: number; readonly bytes: Uint8Array; readonly at: number }[] = [];
  readonly messages: { readonly to: KeyText; readonly message: Uint8Array; readonly at: number }[] = [];
  readonly discovery: Discovery;
  now = 0;
  /** Who is proven to be on the internet, as its graph has it. */
  clearnet: readonly NodeKey[] = [];
  /** Who is linked with whom there. */
  linked: readonly (readonly KeyText[])[] = [];
  /** In its record. */
  proofs: readonly Proof[] = [];
  /** What outlives it. */
  readonly kept: { lines: readonly string[]; saves: number };

  constructor(
    name: string,
    accept: Acceptance = 'segment',
    tuning: Partial<DiscoveryTuning> = {},
    kept = { lines: [] as readonly string[], saves: 0 },
    configured: readonly NodeKey[] = [],
  ) {
    for (const key of configured) this.peers.states.set(toHex(key), 'down');
    this.kept = kept;
    this.identity = identityOf(name);
    this.discovery = new Discovery({
      identity: this.identity,
      curve,
      random: new SeededRandom(2, name),
      drops: this.drops,
      log: { write: (level, event) => void (level === 'debug' || this.events.push(event)) },
      wallMs: () => WALL_MS + this.now,
      accept,
      peers: this.peers,
      configured,
      messages: {
        send: (to, message) => this.messages.push({ to: toHex(to), message: message.slice(), at: this.now }) > 0,
      },
      clearnet: {
        nearest: () => this.clearnet,
        areLinked: (a, b) => this.linked.some((pair) => pair.includes(toHex(a)) && pair.includes(toHex(b))),
        proven: (proofs) => {
          this.proofs = proofs;
        },
      },
      socketOf: (family) => (family === 4 ? IPV4_SOCKET : undefined),
      beacons: { send: (segment, bytes) => void this.beacons.push({ segment, bytes: bytes.slice(), at: this.now }) },
      memory: {
        store: {
          load: () => [...kept.lines],
          save: (lines) => {
            kept.lines = lines;
            kept.saves++;
          },
        },
        places: { format: (endpoint) => toHex(endpoint), parse: (place) => fromHex(place) },
      },
      tuning,
    });
  }

  /** Lets time pass. */
  run(until: number): void {
    const { discovery } = this;
    for (let at = discovery.nextWakeAt(); at <= until; at = discovery.nextWakeAt()) {
      this.now = Math.max(this.now, at);
      discovery.wake(this.now);
      discovery.drain(this.now);
    }
    this.now = until;
  }

  hear(segment: number, endpoint: Uint8Array, bytes: Uint8Array): void {
    this.discovery.receive(segment, endpoint, bytes, this.now);
  }

  linkUp(key: NodeKey, endpoint?: Uint8Array): void {
    this.peers.states.set(toHex(key), 'up');
    if (endpoint !== undefined) this.peers.heardAt.set(toHex(key), endpoint);
    this.discovery.linkUp(key, this.now);
  }

  linkDown(key: NodeKey): void {
    this.peers.states.set(toHex(key), 'down');
    this.discovery.linkDown(key, this.now);
  }
}

/** A beacon as a box of this name calls it at this time. */
export function beaconOf(name: string, atMs = 0, accept: Acceptance = 'segment'): Uint8Array {
  const box = new DiscoveringBox(name, accept);
  box.now = atMs;
  box.discovery.segmentsChanged([{ id: 1, name: 'eth0', medium: 'lan', ipv6: { port: 6969 }, ipv4: undefined }], atMs);
  box.discovery.drain(atMs);
  return box.beacons[0].bytes;
}
