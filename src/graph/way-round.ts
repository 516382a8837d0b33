/**
 * The graph without what a back channel must not use (docs/protocol.md section 2.4): links that work in one direction
 * only, because their other direction is a back channel itself, and this node's own links that it knows to be such
 * before any record says so. What is left has no back channel in it, so none rides on another or on the link it serves.
 */
import { toHex } from '../base/bytes.ts';
import type { KeyText, NodeKey } from '../base/ids.ts';
import type { GraphLink } from './graph-link.ts';
import { GraphView, type PathGraph } from './path-graph.ts';

export class WayRound extends GraphView {
  private readonly self: KeyText;
  private readonly avoided: ReadonlySet<KeyText>;

  /** `avoided`: the neighbours of `self` whose links are left out. */
  constructor(graph: PathGraph, self: NodeKey, avoided: ReadonlySet<KeyText>) {
    super(graph);
    this.self = toHex(self);
    this.avoided = avoided;
  }

  linksOf(number: number): GraphLink[] {
    const from = toHex(this.graph.keyOf(number));
    return this.graph.linksOf(number).filter((link) => !link.detour && !this.isAvoided(from, link.keyText));
  }

  /** Whether these nodes, one linked with the next, are joined anywhere by a link that is left out. */
  hasDetour(nodes: readonly NodeKey[]): boolean {
    for (let i = 1; i < nodes.length; i++) {
      const [from, to] = [toHex(nodes[i - 1]), toHex(nodes[i])];
      const number = this.graph.numberOf(from);
      const links = number === undefined ? [] : this.graph.linksOf(number);
      if (links.find(({ keyText }) => keyText === to)?.detour || this.isAvoided(from, to)) return true;
    }
    return false;
  }

  private isAvoided(from: KeyText, to: KeyText): boolean {
    return (from === this.self && this.avoided.has(to)) || (to === this.self && this.avoided.has(from));
  }
}
