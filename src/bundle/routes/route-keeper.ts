/**
 * Keeps the client's session on as many routes as wanted, each over a path of its own.
 *
 * Timer: a path on which a route failed is tried again after `reopenMinMs`, doubling to `reopenMaxMs`; a route that
 * came up resets it. When the graph changes, every path may be tried at once.
 */
import { toHex } from '../../base/bytes.ts';
import { NEVER } from '../../base/env.ts';
import type { KeyText, NodeKey } from '../../base/ids.ts';
import type { BundleTuning } from '../tuning.ts';

interface Waiting {
  retryAt: number;
  delayMs: number;
}

/** Paths whose failures are remembered; the oldest is forgotten first. */
const MAX_WAITING = 32;

export class RouteKeeper {
  private readonly paths: () => NodeKey[][];
  private readonly tuning: BundleTuning;
  private readonly waiting = new Map<KeyText, Waiting>();

  constructor(paths: () => NodeKey[][], tuning: BundleTuning) {
    this.paths = paths;
    this.tuning = tuning;
  }

  /** The best path that is not in use and may be tried, or when to ask again. */
  choose(inUse: readonly (readonly NodeKey[] | undefined)[], now: number): NodeKey[] | number {
    const used = new Set<KeyText>();
    for (const path of inUse) if (path !== undefined) used.add(textOf(path));
    let askAt = NEVER;
    for (const path of this.paths()) {
      const text = textOf(path);
      if (used.has(text)) continue;
      const waiting = this.waiting.get(text);
      if (waiting === undefined || waiting.retryAt <= now) return path;
      askAt = Math.min(askAt, waiting.retryAt);
    }
    return askAt;
  }

  /** A route over this path failed, or could not be opened. */
  failed(path: readonly NodeKey[], now: number): void {
    const text = textOf(path);
    const { reopenMinMs, reopenMaxMs } = this.tuning;
    const before = this.waiting.get(text);
    const delayMs = before === undefined ? reopenMinMs : Math.min(2 * before.delayMs, reopenMaxMs);
    this.waiting.delete(text);
    this.waiting.set(text, { retryAt: now + delayMs, delayMs });
    if (this.waiting.size <= MAX_WAITING) return;
    for (const oldest of this.waiting.keys()) {
      this.waiting.delete(oldest);
      break;
    }
  }

  worked(path: readonly NodeKey[]): void {
    this.waiting.delete(textOf(path));
  }

  /** The graph changed: what failed before may work now. */
  forgive(): void {
    for (const waiting of this.waiting.values()) waiting.retryAt = 0;
  }
}

function textOf(path: readonly NodeKey[]): KeyText {
  return path.map(toHex).join();
}
