/**
 * Which nodes are reached over a given one only: the cut vertices of a graph, by one depth-first search from a root (Tarjan 1972, "Depth-first
 * search and linear graph algorithms"). A node separates the root from what hangs below its child in the search tree, unless a link leads
 * from there to above it.
 *
 * As of when it was made. Nothing is allocated a node or a link.
 */
import type { PathGraph } from './path-graph.ts';

export class Separation {
  private readonly graph: PathGraph;
  /** By number: when the search came to a node, from 1; 0: never. */
  private readonly found: Int32Array;
  /** The last that was found below a node, and the first that is linked with anything below it. */
  private readonly last: Int32Array;
  private readonly highest: Int32Array;
  private readonly parent: Int32Array;

  constructor(graph: PathGraph, root: number) {
    this.graph = graph;
    this.found = new Int32Array(graph.bound);
    this.last = new Int32Array(graph.bound);
    this.highest = new Int32Array(graph.bound);
    this.parent = new Int32Array(graph.bound).fill(-1);
    this.search(root);
  }

  /** Whether there is no way from the root to `target` but over `node`, or none at all. */
  separates(node: number, target: number): boolean {
    const { found, last, highest, parent } = this;
    if (node === target || found[target] === 0) return true;
    if (found[target] < found[node] || found[target] > last[node]) return false;
    for (const { number: child } of this.graph.linksOf(node)) {
      const isAbove = parent[child] === node && found[child] <= found[target] && found[target] <= last[child];
      if (isAbove) return highest[child] >= found[node];
    }
    return true;
  }

  private search(root: number): void {
    const { graph, found, last, highest, parent } = this;
    const nextLink = new Int32Array(graph.bound);
    let count = 1;
    found[root] = highest[root] = count;
    for (let at = root; at >= 0; ) {
      const links = graph.linksOf(at);
      if (nextLink[at] === links.length) {
        last[at] = count;
        const above = parent[at];
        if (above >= 0) highest[above] = Math.min(highest[above], highest[at]);
        at = above;
        continue;
      }
      const to = links[nextLink[at]++].number;
      if (found[to] !== 0) {
        if (to !== parent[at]) highest[at] = Math.min(highest[at], found[to]);
        continue;
      }
      parent[to] = at;
      found[to] = highest[to] = ++count;
      at = to;
    }
  }
}
