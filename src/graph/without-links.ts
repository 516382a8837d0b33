/** The graph without links that paths found before run over, in either direction. */
import { toHex } from '../base/bytes.ts';
import type { KeyText, NodeKey } from '../base/ids.ts';
import type { GraphLink } from './graph-link.ts';
import { GraphView } from './path-graph.ts';

export class WithoutLinks extends GraphView {
  /** By number: the neighbours that are not reached directly any more. */
  private readonly taken = new Map<number, Set<KeyText>>();

  /** Takes out the links along these nodes. */
  take(nodes: readonly NodeKey[]): void {
    for (let i = 1; i < nodes.length; i++) {
      this.takeOne(nodes[i - 1], nodes[i]);
      this.takeOne(nodes[i], nodes[i - 1]);
    }
  }

  linksOf(number: number): readonly GraphLink[] {
    const links = this.graph.linksOf(number);
    const taken = this.taken.get(number);
    return taken === undefined ? links : links.filter(({ keyText }) => !taken.has(keyText));
  }

  private takeOne(from: NodeKey, to: NodeKey): void {
    const number = this.graph.numberOf(toHex(from))!;
    const taken = this.taken.get(number) ?? new Set();
    this.taken.set(number, taken.add(toHex(to)));
  }
}
