/** What a search of paths holds against a link. A strategy is one function, so that another can take its place. */
import type { GraphLink } from './graph-link.ts';

/** Cost of a link in ms, not negative: of paths, the one with the least sum is taken. */
export type PathStrategy = (link: GraphLink) => number;

/** Eight datagrams: by what a link's rate delays a small burst it is compared with others. */
const BURST_BITS = 96_000;
/** Of a link that nobody has used much yet: neither fast nor slow. */
const UNKNOWN_RATE_KBPS = 10_000;
/** A satoshi for 10^9 bytes weighs as much as a millisecond: a household passes 10 GB a day. */
const MS_PER_PRICE = 1;
/** A link that loses all but this would cost more than any path. */
const LEAST_ARRIVING_SHARE = 0.05;

/** For Real Time: how long a datagram is on its way, with what its loss costs in repetitions. */
export const LOWEST_LATENCY: PathStrategy = (link) => {
  return link.roundTripMs / Math.max(LEAST_ARRIVING_SHARE, 1 - link.lossShare);
};

/** For everything at once: latency and loss, what the rate adds for a burst, and the price. */
export const BALANCED: PathStrategy = (link) => {
  const burstMs = BURST_BITS / (link.rateKbps || UNKNOWN_RATE_KBPS);
  return LOWEST_LATENCY(link) + burstMs + MS_PER_PRICE * link.price;
};
