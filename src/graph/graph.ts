/**
 * The network as the records tell it. A link counts only while both its ends claim it, so nobody can attach itself to
 * a node that knows nothing of it; and it counts with the longer of the two round trips, so nobody can make itself
 * look better.
 */
import { fromHex, toHex } from '../base/bytes.ts';
import type { KeyText, NodeKey, ServiceKey } from '../base/ids.ts';
import { parseAddress } from '../crypto/address.ts';
import { type GatewayAdvert, parseGatewayAdvert } from '../wire/gateway-advert.ts';
import type { Proof } from '../wire/proof.ts';
import { GATEWAY_SERVICE_KIND, type NodeRecord } from '../wire/record.ts';
import type { GraphLink } from './graph-link.ts';
import type { PathGraph } from './path-graph.ts';
import type { RecordStore } from './record-store.ts';

export interface Gateway {
  readonly node: NodeKey;
  readonly service: ServiceKey;
  /** What it says of itself. */
  readonly advert: GatewayAdvert;
}

const NO_LINKS: readonly GraphLink[] = [];

export class Graph implements PathGraph {
  private readonly store: RecordStore;

  constructor(store: RecordStore) {
    this.store = store;
  }

  /** Nodes heard of, this one included once it has said something of itself. */
  get size(): number {
    return this.store.size;
  }

  *nodes(): Iterable<NodeKey> {
    for (const { heard } of this.store.values()) yield heard.record.node;
  }

  gateways(): Gateway[] {
    const gateways: Gateway[] = [];
    for (const { heard } of this.store.values()) {
      const { node, services } = heard.record;
      for (const { kind, key, advert } of services) {
        if (kind !== GATEWAY_SERVICE_KIND) continue;
        gateways.push({ node, service: key, advert: parseGatewayAdvert(advert) });
      }
    }
    return gateways;
  }

  /** The key of a node that was heard of, from its address or the hex of its key. */
  find(addressOrKey: string): NodeKey | undefined {
    const hash = parseAddress(addressOrKey);
    if (hash !== undefined) return this.store.byAddress(hash)?.heard.record.node;
    const key = fromHex(addressOrKey);
    return key === undefined ? undefined : this.store.get(toHex(key))?.heard.record.node;
  }

  /** Nodes that this one has a link with, as both say. Empty for a node that was not heard of. */
  neighbours(key: KeyText): readonly GraphLink[] {
    const stored = this.store.get(key);
    return stored === undefined ? NO_LINKS : this.store.neighboursOf(stored);
  }

  /** As both of them say. */
  areLinked(a: NodeKey, b: NodeKey): boolean {
    const keyText = toHex(b);
    return this.neighbours(toHex(a)).some((link) => link.keyText === keyText);
  }

  /** Numbers of nodes are below this. */
  get bound(): number {
    return this.store.bound;
  }

  numberOf(key: KeyText): number | undefined {
    return this.store.get(key)?.number;
  }

  keyOf(number: number): NodeKey {
    return this.store.at(number).heard.record.node;
  }

  linksOf(number: number): readonly GraphLink[] {
    return this.store.neighboursOf(this.store.at(number));
  }

  /** That this node is reached from the internet, as others signed it. */
  proofsOf(number: number): readonly Proof[] {
    return this.store.at(number).heard.record.proofs;
  }

  /**
   * What the nodes measured of the links along a path: the sum of round trips, and the lowest rate of those that are known (0: none is). A
   * link that is not known adds nothing.
   */
  measuresOf(nodes: readonly NodeKey[]): { readonly roundTripMs: number; readonly rateKbps: number } {
    let roundTripMs = 0;
    let rateKbps = Number.POSITIVE_INFINITY;
    for (let i = 1; i < nodes.length; i++) {
      const next = toHex(nodes[i]);
      const link = this.neighbours(toHex(nodes[i - 1])).find(({ keyText }) => keyText === next);
      roundTripMs += link?.roundTripMs ?? 0;
      rateKbps = Math.min(rateKbps, link?.rateKbps || Number.POSITIVE_INFINITY);
    }
    return { roundTripMs, rateKbps: Number.isFinite(rateKbps) ? rateKbps : 0 };
  }

  /** What a node says of itself, or undefined when it was not heard of. */
  recordOf(key: NodeKey): NodeRecord | undefined {
    return this.store.get(toHex(key))?.heard.record;
  }
}
