/**
 * The graph, corrected by what this node saw itself. Records are claims: two nodes that work together can claim to be close, to have
 * traffic led through them. A path in use is measured end to end, and when it takes clearly longer than its records promise, some link of it
 * lies or has changed. Which one can't be told from one path, so each that is not this node's own counts with its claim and the whole excess
 * from then on, unless another path over it takes what was promised.
 *
 * What was seen of a link holds for an hour; then it is believed again, until the next measurement. Bound: 256 links, the oldest goes first.
 */
import { toHex } from '../base/bytes.ts';
import type { KeyText, NodeKey } from '../base/ids.ts';
import type { GraphLink } from './graph-link.ts';
import { GraphView, type PathGraph } from './path-graph.ts';
import { LOWEST_LATENCY } from './path-strategy.ts';

const MAX_SEEN = 256;
const HOLDS_MS = 3_600_000;
/** Clearly longer: what queues and processors add on honest paths stays below. */
const TOLERATED_RATIO = 1.5;
const TOLERATED_MS = 20;

export interface MeasuredPath {
  /** Neighbour first, destination last. */
  readonly path: readonly NodeKey[];
  /** End to end, without what queues add as far as that is known. */
  readonly roundTripMs: number;
}

interface SeenLink {
  /** What it takes at most, as far as is known. */
  readonly roundTripMs: number;
  readonly until: number;
}

export class SeenLinks extends GraphView {
  private readonly self: NodeKey;
  /** By both ends' keys, in the order in which they were seen. */
  private readonly seen = new Map<string, SeenLink>();

  constructor(graph: PathGraph, self: NodeKey) {
    super(graph);
    this.self = self;
  }

  linksOf(number: number): readonly GraphLink[] {
    const links = this.graph.linksOf(number);
    if (this.seen.size === 0) return links;
    const from = toHex(this.graph.keyOf(number));
    return links.map((link) => {
      const roundTripMs = this.seen.get(nameOf(from, link.keyText))?.roundTripMs ?? 0;
      return roundTripMs > link.roundTripMs ? { ...link, roundTripMs } : link;
    });
  }

  get size(): number {
    return this.seen.size;
  }

  /** What the paths in use take now. Those that take clearly longer than the records promise. */
  learn(paths: readonly MeasuredPath[], now: number): MeasuredPath[] {
    for (const [name, { until }] of this.seen) if (now >= until) this.seen.delete(name);
    const slow: MeasuredPath[] = [];
    const excesses = new Map<string, { readonly from: NodeKey; readonly link: GraphLink; readonly excessMs: number }>();
    for (const measured of paths) {
      const links = this.linksAlong(measured.path);
      if (links === undefined) continue;
      const claimedMs = links.reduce((sum, { link }) => sum + LOWEST_LATENCY(link), 0);
      const isSlow = measured.roundTripMs > TOLERATED_RATIO * claimedMs + TOLERATED_MS;
      if (isSlow) slow.push(measured);
      const excessMs = isSlow ? measured.roundTripMs - claimedMs : 0;
      for (const { from, link } of links.slice(1)) {
        const name = nameOf(toHex(from), link.keyText);
        const before = excesses.get(name)?.excessMs ?? excessMs;
        excesses.set(name, { from, link, excessMs: Math.min(before, excessMs) });
      }
    }
    for (const { from, link, excessMs } of excesses.values()) this.note(from, link, excessMs, now);
    return slow;
  }

  private note(from: NodeKey, link: GraphLink, excessMs: number, now: number): void {
    for (const [a, b] of [
      [toHex(from), link.keyText],
      [link.keyText, toHex(from)],
    ]) {
      const name = nameOf(a, b);
      this.seen.delete(name);
      if (excessMs === 0) continue;
      this.seen.set(name, { roundTripMs: link.roundTripMs + excessMs, until: now + HOLDS_MS });
    }
    for (const name of this.seen.keys()) {
      if (this.seen.size <= MAX_SEEN) return;
      this.seen.delete(name);
    }
  }

  /** As the records have them; undefined when one of them is not known any more. */
  private linksAlong(path: readonly NodeKey[]): { readonly from: NodeKey; readonly link: GraphLink }[] | undefined {
    const links: { from: NodeKey; link: GraphLink }[] = [];
    let from = this.self;
    for (const to of path) {
      const number = this.graph.numberOf(toHex(from));
      const name = toHex(to);
      const link = number === undefined ? undefined : this.graph.linksOf(number).find((l) => l.keyText === name);
      if (link === undefined) return undefined;
      links.push({ from, link });
      from = to;
    }
    return links;
  }
}

function nameOf(from: KeyText, to: KeyText): string {
  return `${from} ${to}`;
}
