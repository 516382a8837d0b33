/**
 * The nodes that are reached from the internet, as others found out and signed (docs/protocol.md section 9.5), nearest first: breadth-first
 * from this node.
 *
 * Anybody can make up a second node and have it sign. So a proof counts only when its prober is linked into the network without the
 * node that it speaks for: somebody else took it in. Two nodes that work together, both taken in, can still lie; what they get is that strangers call them.
 *
 * The list is made when it is asked for, at most once in 10 s.
 */
import { toHex } from '../base/bytes.ts';
import type { NodeKey } from '../base/ids.ts';
import type { Proof } from '../wire/proof.ts';
import type { Graph } from './graph.ts';
import { Separation } from './separation.ts';
import { MAX_CLOCK_LEAD_S, PROOF_LIFE_S } from './tuning.ts';

const SEARCH_EVERY_MS = 10_000;
const MS_PER_SECOND = 1_000;

export class Clearnet {
  private readonly graph: Graph;
  private readonly self: NodeKey;
  private readonly wallMs: () => number;
  private list: readonly NodeKey[] = [];
  private searchedAt = Number.NEGATIVE_INFINITY;

  constructor(graph: Graph, self: NodeKey, wallMs: () => number) {
    this.graph = graph;
    this.self = self;
    this.wallMs = wallMs;
  }

  /** Without this node. */
  nearest(now: number): readonly NodeKey[] {
    if (now >= this.searchedAt + SEARCH_EVERY_MS) {
      this.searchedAt = now;
      this.list = this.search();
    }
    return this.list;
  }

  private search(): NodeKey[] {
    const { graph, self } = this;
    const root = graph.numberOf(toHex(self));
    if (root === undefined) return [];
    let separation: Separation | undefined;
    const isCounted = (number: number, proof: Proof): boolean => {
      const prober = this.isOfNow(proof) ? graph.numberOf(toHex(proof.prober)) : undefined;
      if (prober === undefined) return false;
      separation ??= new Separation(graph, root);
      return !separation.separates(number, prober);
    };
    const proven: NodeKey[] = [];
    const seen = new Uint8Array(graph.bound);
    seen[root] = 1;
    const reached = [root];
    // What is reached is appended while the loop runs: breadth first.
    for (const at of reached) {
      const isProven = at !== root && graph.proofsOf(at).some((proof) => isCounted(at, proof));
      if (isProven) proven.push(graph.keyOf(at));
      for (const { number } of graph.linksOf(at)) {
        if (seen[number] === 1) continue;
        seen[number] = 1;
        reached.push(number);
      }
    }
    return proven;
  }

  private isOfNow({ time }: Proof): boolean {
    const nowS = this.wallMs() / MS_PER_SECOND;
    return time > nowS - PROOF_LIFE_S && time < nowS + MAX_CLOCK_LEAD_S;
  }
}
