/**
 * How far Bulk reaches: the longest round trip of a route that carries it. What a late route carries holds up, at the far end, what follows it over
 * the fast ones, so that a TCP inside the tunnel has the round trip of the latest. That has to pay.
 *
 *   near   only the window of the fastest route carries: those that lie within `admitSkewMs` of it
 *   far    the routes of a later window of that width carry FAR_SHARE of what the near ones do, and go on beside these: light load
 *          stays with the fastest. Ends when they carry less than the near ones
 *
 * A window counts what its routes are known to carry; what a late one does is found out by `sounding.ts`. No timer: asked once for many messages.
 */
import { NEVER } from '../../base/env.ts';

/** Rates swing by a tenth, and a connection takes seconds to fill a longer round trip. */
export const FAR_SHARE = 1.25;

/** What is known of a Bulk route. */
export interface KnownRoute {
  readonly mayCarryBulk: boolean;
  readonly timing: { readonly settledMs: number | undefined };
  /** What it was seen to carry: 0 where it was never kept busy. */
  readonly rate: { readonly bytesPerMs: number };
}

export interface ReachRoute extends KnownRoute {
  /** What it was seen to carry, or a guess. */
  readonly bytesPerMs: number;
}

export class Reach {
  private readonly admitSkewMs: number;
  private far = false;

  constructor(admitSkewMs: number) {
    this.admitSkewMs = admitSkewMs;
  }

  /** As found last. */
  get isFar(): boolean {
    return this.far;
  }

  /** Bulk routes whose settled round trip is longer are left out. */
  limitMs(live: readonly ReachRoute[]): number {
    let fastestMs = NEVER;
    for (const route of live) if (route.mayCarryBulk) fastestMs = Math.min(fastestMs, settledMs(route));
    const nearMs = fastestMs + this.admitSkewMs;
    let nearRate = 0;
    let farMs = nearMs;
    let farRate = 0;
    for (const route of live) {
      if (!route.mayCarryBulk) continue;
      const fromMs = settledMs(route);
      // A guess counts for the near ones only.
      if (fromMs <= nearMs) nearRate += route.bytesPerMs;
      if (fromMs === fastestMs) continue;
      const rate = this.windowRate(live, fromMs);
      if (rate <= farRate) continue;
      farRate = rate;
      farMs = fromMs + this.admitSkewMs;
    }
    this.far = farMs > nearMs && farRate >= (this.far ? 1 : FAR_SHARE) * nearRate;
    return this.far ? farMs : nearMs;
  }

  private windowRate(live: readonly ReachRoute[], fromMs: number): number {
    let rate = 0;
    for (const route of live) {
      const ms = settledMs(route);
      if (route.mayCarryBulk && ms >= fromMs && ms <= fromMs + this.admitSkewMs) rate += route.rate.bytesPerMs;
    }
    return rate;
  }
}

/** Whether Bulk that reaches so far goes over this route. */
export function takesBulk(route: KnownRoute, limitMs: number): boolean {
  return route.mayCarryBulk && settledMs(route) <= limitMs;
}

/** 0 where it was never measured. */
export function settledMs({ timing }: KnownRoute): number {
  return timing.settledMs ?? 0;
}
