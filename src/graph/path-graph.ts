/** A graph as a search of paths sees it, and what changes such a graph for one search. */
import type { KeyText, NodeKey } from '../base/ids.ts';
import type { GraphLink } from './graph-link.ts';

/** All that a search needs of a graph: nodes have numbers below `bound`, which are reused. */
export interface PathGraph {
  readonly bound: number;
  numberOf(key: KeyText): number | undefined;
  keyOf(number: number): NodeKey;
  /** A link stands at both of its ends, and costs the same there. */
  linksOf(number: number): readonly GraphLink[];
}

/** The nodes of another graph, with links that are left out or cost otherwise. */
export abstract class GraphView implements PathGraph {
  protected readonly graph: PathGraph;

  constructor(graph: PathGraph) {
    this.graph = graph;
  }

  get bound(): number {
    return this.graph.bound;
  }

  numberOf(key: KeyText): number | undefined {
    return this.graph.numberOf(key);
  }

  keyOf(number: number): NodeKey {
    return this.graph.keyOf(number);
  }

  abstract linksOf(number: number): readonly GraphLink[];
}
