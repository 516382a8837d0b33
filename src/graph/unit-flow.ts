/**
 * Cheapest flow through a network whose arcs carry one unit each: successive shortest paths over the residual network,
 * with vertex potentials that keep costs non-negative for Dijkstra (Suurballe 1974; Ahuja, Magnanti and Orlin,
 * "Network Flows", section 9.7). Each round may send flow back over arcs used before, which is what finds two disjoint
 * paths where the shortest path alone stands in the way of any second one.
 */
import { CostHeap } from './cost-heap.ts';

const NO_ARC = -1;

export class UnitFlow {
  /** Arc `a` and its reverse `a ^ 1` stand side by side. */
  private readonly heads: number[] = [];
  private readonly costs: number[] = [];
  private readonly room: number[] = [];
  private readonly arcsOf: number[][];

  constructor(vertices: number) {
    this.arcsOf = Array.from({ length: vertices }, () => []);
  }

  /** An arc for one unit. `cost` is not negative. */
  addArc(from: number, to: number, cost: number): void {
    this.arcsOf[from].push(this.heads.length);
    this.heads.push(to);
    this.costs.push(cost);
    this.room.push(1);
    this.arcsOf[to].push(this.heads.length);
    this.heads.push(from);
    this.costs.push(-cost);
    this.room.push(0);
  }

  /** Sends up to `units` from `source` to `sink` as cheaply as possible; how many fitted. */
  send(source: number, sink: number, units: number): number {
    const potentials = new Float64Array(this.arcsOf.length);
    for (let sent = 0; sent < units; sent++) {
      const { distances, lastArcs } = this.shortestPaths(source, potentials);
      if (distances[sink] === Number.POSITIVE_INFINITY) return sent;
      for (let vertex = 0; vertex < potentials.length; vertex++) {
        // What lies beyond the sink, or can't be reached, moves by the sink's distance: enough to keep costs at or
        // above zero.
        potentials[vertex] += Math.min(distances[vertex], distances[sink]);
      }
      for (let vertex = sink; vertex !== source; ) {
        const arc = lastArcs[vertex];
        this.room[arc] = 0;
        this.room[arc ^ 1] = 1;
        vertex = this.heads[arc ^ 1];
      }
    }
    return units;
  }

  /** Vertices that flow goes to straight from this one. */
  flowFrom(vertex: number): number[] {
    return this.arcsOf[vertex].filter((arc) => arc % 2 === 0 && this.room[arc] === 0).map((arc) => this.heads[arc]);
  }

  private shortestPaths(source: number, potentials: Float64Array): { distances: Float64Array; lastArcs: Int32Array } {
    const distances = new Float64Array(potentials.length).fill(Number.POSITIVE_INFINITY);
    const lastArcs = new Int32Array(potentials.length).fill(NO_ARC);
    const heap = new CostHeap();
    distances[source] = 0;
    heap.add(source, 0);
    for (let next = heap.take(); next !== undefined; next = heap.take()) {
      const { vertex, cost } = next;
      if (cost > distances[vertex]) continue;
      for (const arc of this.arcsOf[vertex]) {
        if (this.room[arc] === 0) continue;
        const head = this.heads[arc];
        const distance = cost + this.costs[arc] + potentials[vertex] - potentials[head];
        if (distance >= distances[head]) continue;
        distances[head] = distance;
        lastArcs[head] = arc;
        heap.add(head, distance);
      }
    }
    return { distances, lastArcs };
  }
}
