/**
 * The bundle's own choices, each with its reason. What both ends must agree on stands beside the codecs
 * (wire/route-message.ts) and in docs/protocol.md section 6.
 */
export interface BundleTuning {
  readonly maxSessions: number;
  readonly maxRoutes: number;
  readonly poolBytes: number;
  readonly queueBytes: number;
  readonly queueMessages: number;
  readonly queueSojournMs: number;
  readonly reportMessages: number;
  readonly reportDelayMs: number;
  readonly reorderMessages: number;
  readonly reorderBytes: number;
  readonly gapMinMs: number;
  readonly gapMaxMs: number;
  readonly gapMarginMs: number;
  readonly admitSkewMs: number;
  readonly confirmMs: number;
  readonly incomingConfirmMs: number;
  readonly openingProbeMs: number;
  readonly busyAfterMs: number;
  readonly loadedProbeMs: number;
  readonly busyProbeMs: number;
  readonly idleProbeMs: number;
  readonly stalledProbeMs: number;
  readonly stallMinMs: number;
  readonly stallMaxMs: number;
  readonly probeMinMs: number;
  readonly silenceMs: number;
  readonly lostSilenceMs: number;
  readonly sendPauseMs: number;
  readonly reopenMinMs: number;
  readonly reopenMaxMs: number;
  readonly replaceQuietMs: number;
  readonly routelessMs: number;
  readonly rekeyMs: number;
  readonly rekeyRetryMs: number;
  readonly rekeyFailedMs: number;
  readonly lateWakeMs: number;
}

export const BUNDLE_TUNING: BundleTuning = {
  /** A gateway's clients. Each costs about 20 KiB while idle. */
  maxSessions: 1_024,
  /** Live routes of one session, also what the other end may set up: no home has more ways out. */
  maxRoutes: 8,
  /** All copies of all sessions: waiting, in flight and held for order. */
  poolBytes: 64 * 1024 * 1024,

  /** 100 ms at 80 Mb/s: what a burst may queue before the windows below have opened. */
  queueBytes: 1024 * 1024,
  /** Where messages are tiny, the count is what costs memory. */
  queueMessages: 8_192,
  /** Longer waits only teach the senders inside the tunnel a longer round trip. */
  queueSojournMs: 100,

  /** One report costs about 1 % of 16 full-size messages. */
  reportMessages: 16,
  /** A quarter of the smallest queue that a window aims at. */
  reportDelayMs: 5,

  /** 100 Mb/s x 100 ms of 1.4 KB messages. */
  reorderMessages: 1_024,
  reorderBytes: 2 * 1024 * 1024,
  /** A gap waits for the skew between the routes and a margin for jitter; within these bounds, because TCP inside the
   * tunnel copes better with a reordered segment than with a stall. */
  gapMinMs: 50,
  gapMaxMs: 200,
  gapMarginMs: 20,
  /** A route whose round trip is longer than the fastest one's by more than this carries no data while the fastest is
   * up: everything sent over it would wait at the far end until the gap before it is given up. */
  admitSkewMs: 180,

  /** A set-up whose destination answers nothing for this long has failed; the longest round trips are near 1 s. */
  confirmMs: 1_500,
  /** At the service: a set-up must be followed by an authentic message. Twice what the client waits. */
  incomingConfirmMs: 3_000,
  /** Each repeat makes the service send message two again. */
  openingProbeMs: 250,
  /** A session that received data this lately is busy, too. */
  busyAfterMs: 1_000,
  /** A route whose window is full tells the other end the delay of this direction (inbound-delay.ts): twice a window's
   * shortest round. */
  loadedProbeMs: 40,
  /** A quiet route is probed while the session has data under way, so that its death is known before it is needed. */
  busyProbeMs: 200,
  /** Keeps the route's entries alive at every hop (they live 60 s) and finds silent deaths. */
  idleProbeMs: 5_000,
  stalledProbeMs: 100,
  /** A route with data in flight and no progress is cut out after three times the usual interval between reports, within
   * these bounds (and not before a probe could have been answered): a person notices half a second. */
  stallMinMs: 100,
  stallMaxMs: 300,
  /** The soonest that missing progress is answered with a probe. */
  probeMinMs: 30,
  /** A stalled route that stays silent this long is closed and another opened. */
  silenceMs: 3_000,
  /** With no route up there is nothing to lose, and only a new set-up finds out whether the service was restarted. */
  lostSilenceMs: 1_000,
  /** After the route below refused a message for want of room. */
  sendPauseMs: 5,

  reopenMinMs: 250,
  reopenMaxMs: 5_000,
  /** At the service, when all places are taken: a route that was silent this long makes room for a new one. */
  replaceQuietMs: 1_000,
  /** A service keeps a session without any route this long: a reboot of the client's modem. */
  routelessMs: 120_000,

  /** docs/protocol.md section 2.3, or two round trips if longer. */
  rekeyMs: 1_000,
  /** Or two round trips if longer. */
  rekeyRetryMs: 100,
  rekeyFailedMs: 10_000,

  /** When this process itself did not run for longer than this, silence proves nothing about a route. */
  lateWakeMs: 30,
};
