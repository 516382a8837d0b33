/**
 * Cheapest flow of several units from one node to another of which no third node carries more than one: successive shortest paths over the
 * residual network, with potentials that keep costs non-negative for Dijkstra (Suurballe 1974; Ahuja, Magnanti and Orlin, "Network
 * Flows", section 9.7). Each round may send flow back over links used before, which is what finds two disjoint paths where the shortest
 * path alone stands in the way of any second one.
 *
 * A node is two states, entered and left, with one unit of room between them. One search from the target back to the source tells how far
 * from the target every node is that is nearer to it than the source. With that as the first potentials (Hart, Nilsson and Raphael 1968) a round
 * sees hardly more than the nodes of its path, so eight paths cost little more than one. Nothing is allocated a node or a link.
 */
import type { NodeKey } from '../base/ids.ts';
import { CostHeap } from './cost-heap.ts';
import type { GraphLink } from './graph-link.ts';
import type { PathGraph } from './path-graph.ts';

const NONE = -1;

export interface FoundPath {
  /** Without the source. */
  readonly path: NodeKey[];
  readonly cost: number;
}

export class DisjointFlow {
  private readonly graph: PathGraph;
  private readonly costOf: (link: GraphLink) => number;
  private readonly source: number;
  private readonly target: number;
  /** By node: where the unit through it goes, and where it comes from. */
  private readonly next: Int32Array;
  private readonly previous: Int32Array;
  /** By state: node n is entered in 2n and left in 2n + 1. */
  private readonly distances: Float64Array;
  private readonly potentials: Float64Array;
  private readonly cameFrom: Int32Array;
  private readonly heap = new CostHeap();
  private readonly firsts: number[] = [];
  private isDirectUsed = false;

  /** From one node to another, by number. `costOf` gives whole numbers that are not negative. */
  constructor(graph: PathGraph, source: number, target: number, costOf: (link: GraphLink) => number) {
    this.graph = graph;
    this.costOf = costOf;
    this.source = source;
    this.target = target;
    this.next = new Int32Array(graph.bound).fill(NONE);
    this.previous = new Int32Array(graph.bound).fill(NONE);
    this.distances = new Float64Array(2 * graph.bound);
    this.potentials = new Float64Array(2 * graph.bound);
    this.cameFrom = new Int32Array(2 * graph.bound);
  }

  /** Sends up to `units` as cheaply as possible. */
  send(units: number): void {
    this.measureFromTarget();
    for (let sent = 0; sent < units && this.round(); sent++) this.augment();
  }

  /** The paths that the flow takes. */
  paths(): FoundPath[] {
    const { graph, source, target } = this;
    const paths = this.firsts.map((first) => {
      const path: NodeKey[] = [];
      let cost = this.linkCost(source, first);
      let at = first;
      for (; at !== target; at = this.next[at]) {
        path.push(graph.keyOf(at));
        cost += this.linkCost(at, this.next[at]);
      }
      path.push(graph.keyOf(at));
      return { path, cost };
    });
    if (!this.isDirectUsed) return paths;
    return [...paths, { path: [graph.keyOf(target)], cost: this.linkCost(source, target) }];
  }

  /**
   * The first potentials: how far each node is from the target; those that are farther than the source count as far as it is, which keeps costs at
   * or above zero.
   */
  private measureFromTarget(): void {
    const { distances, potentials, heap, source, target } = this;
    distances.fill(Number.POSITIVE_INFINITY);
    heap.clear();
    this.relax(entered(target), NONE, 0);
    let reached = 0;
    while (!heap.isEmpty) {
      reached = heap.leastCost;
      const state = heap.take();
      if (state === entered(source)) break;
      if (reached > distances[state]) continue;
      for (const link of this.graph.linksOf(state >> 1)) {
        this.relax(entered(link.number), state, reached + this.costOf(link));
      }
    }
    const most = Math.min(distances[entered(source)], reached);
    for (let node = 0; node < this.graph.bound; node++) {
      potentials[entered(node)] = potentials[left(node)] = -Math.min(distances[entered(node)], most);
    }
  }

  /** Finds the cheapest way for one more unit; false when there is none. */
  private round(): boolean {
    const { distances, potentials, heap } = this;
    distances.fill(Number.POSITIVE_INFINITY);
    heap.clear();
    this.relax(left(this.source), NONE, 0);
    while (!heap.isEmpty) {
      const reached = heap.leastCost;
      const state = heap.take();
      if (reached > distances[state]) continue;
      if (state >> 1 === this.target) {
        // What lies beyond the target moves by the target's distance: enough to keep costs at or above zero.
        for (let i = 0; i < potentials.length; i++) potentials[i] += Math.min(distances[i], reached);
        return true;
      }
      if ((state & 1) === 1) this.leave(state >> 1, reached);
      else this.enter(state >> 1, reached);
    }
    return false;
  }

  /** From a node over its links that carry nothing yet; and back into it, if its unit is taken away. */
  private leave(node: number, reached: number): void {
    const base = reached + this.potentials[left(node)];
    for (const link of this.graph.linksOf(node)) {
      const to = link.number;
      if (to !== this.source && !this.carries(node, to)) this.arrive(entered(to), left(node), base + this.costOf(link));
    }
    if (this.previous[node] !== NONE) this.arrive(entered(node), left(node), base);
  }

  /** Through a node that is free; one that carries a unit can only send it back where it came from. */
  private enter(node: number, reached: number): void {
    const previous = this.previous[node];
    const base = reached + this.potentials[entered(node)];
    if (previous === NONE) this.arrive(left(node), entered(node), base);
    else if (previous !== this.source) {
      this.arrive(left(previous), entered(node), base - this.linkCost(previous, node));
    }
  }

  private arrive(state: number, from: number, cost: number): void {
    this.relax(state, from, cost - this.potentials[state]);
  }

  private relax(state: number, from: number, distance: number): void {
    if (distance >= this.distances[state]) return;
    this.distances[state] = distance;
    this.cameFrom[state] = from;
    this.heap.add(state, distance);
  }

  /** Takes the way that the round found: first what is sent back, then what is sent. */
  private augment(): void {
    const { cameFrom, next, previous, source, target } = this;
    const sent: [number, number][] = [];
    for (let state = entered(target); state !== left(source); state = cameFrom[state]) {
      const [from, to] = [cameFrom[state] >> 1, state >> 1];
      if (from === to) continue;
      if ((state & 1) === 0) sent.push([from, to]);
      else {
        next[to] = NONE;
        previous[from] = NONE;
      }
    }
    for (const [from, to] of sent) {
      if (from !== source) next[from] = to;
      else if (to === target) this.isDirectUsed = true;
      else this.firsts.push(to);
      if (to !== target) previous[to] = from;
    }
  }

  private carries(from: number, to: number): boolean {
    if (from !== this.source) return this.next[from] === to;
    return to === this.target ? this.isDirectUsed : this.previous[to] === this.source;
  }

  private linkCost(from: number, to: number): number {
    return this.costOf(this.graph.linksOf(from).find(({ number }) => number === to)!);
  }
}

function entered(node: number): number {
  return 2 * node;
}

function left(node: number): number {
  return 2 * node + 1;
}
