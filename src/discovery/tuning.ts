/** Our own choices of discovery, each with its reason. */
export interface DiscoveryTuning {
  /**
   * Pauses between the first beacons on a segment that came up: a box that is switched on is found within a second also where
   * half of all beacons are lost.
   */
  readonly firstGapsMs: readonly number[];
  /** From then on, give or take a quarter: a box that is plugged in calls by itself, so this only heals what went wrong. */
  readonly gapMs: number;
  /** A lost neighbour may be on another segment: all hear a beacon at once, but none two within this time. */
  readonly leastGapMs: number;
  /** Signatures checked on a segment: 4 ms each without the addon, so at most a fiftieth of a core for each segment. */
  readonly verifiedPerSecond: number;
  readonly verifiedAtOnce: number;
  /** Handshakes begun because of beacons of one segment: two point multiplications each. */
  readonly triedPerSecond: number;
  readonly triedAtOnce: number;
  /** Handshakes under way with nodes that nobody vouches for. */
  readonly maxTrying: number;
  /** How long such a handshake may take: seven tries of INIT, on a link that loses half. */
  readonly tryMs: number;
  /** A neighbour that was found and lost is sought this long where it was, then only its beacon brings it back. */
  readonly lostMs: number;
  /** Neighbours found, in all and on one segment: a record has room for 64 links, and configured ones come first. */
  readonly maxFound: number;
  readonly maxFoundOnSegment: number;
  /** More of each of these, for neighbours that are remembered: strangers who came first do not keep them out. */
  readonly placesForRemembered: number;
  /** Neighbours remembered: as many as a record can name. */
  readonly maxRemembered: number;
  /** A link that holds for so long worked; a stranger that only comes to be remembered must stay. */
  readonly rememberAfterMs: number;
  /** An address that nobody answered at for so long is somebody else's by now. */
  readonly rememberedDays: number;
  /** Flash wears: a new name or place is worth a write, within limits, the time that somebody was up only now and then. */
  readonly savesPerMinute: number;
  readonly savesAtOnce: number;
  readonly timesSavedEveryMs: number;
  /** Remembered peers are called one after the other, so that 16 handshakes at most are under way with them. */
  readonly callGapMs: number;
  /** Longer than a handshake is tried; then a peer that is switched off for the day costs six tries an hour. */
  readonly callFirstWaitMs: number;
  readonly callLastWaitMs: number;
  /** How often one is asked for help: as a call, but not for one link after the other when many go down together. */
  readonly seekLeastGapMs: number;
  readonly seekFirstWaitMs: number;
  readonly seekLastWaitMs: number;
  /** Who is on the internet is known anew so often. */
  readonly seekLookMs: number;
  /** How often a neighbour is helped: it asks once a second at most. */
  readonly soughtPerSecond: number;
  readonly soughtAtOnce: number;
  /** Places that neighbours name to meet somebody at: a few datagrams go to each, whoever is there. */
  readonly metPerSecond: number;
  readonly metAtOnce: number;
  /** How often this node has itself probed: by when its links have settled; a second prober may be long in coming. */
  readonly probeAfterMs: number;
  readonly probeFirstWaitMs: number;
  readonly probeLastWaitMs: number;
  /** A handshake takes this long when its first datagrams are lost: who called a prober meanwhile is its peer then. */
  readonly probeSettleMs: number;
  /** A probe takes 4 s, and three links to and fro. */
  readonly probeAnswerMs: number;
  /** So long address translation may stay open for who was sent to: five minutes are what RFC 4787 (REQ-5) recommends. */
  readonly mappingMs: number;
  /** How often a neighbour may have itself probed: it needs two proofs in 7 minutes. */
  readonly probedPerSecond: number;
  readonly probedAtOnce: number;
  /** How many places are probed for neighbours: 150 bytes a second to somebody who has nothing to do with it, at most. */
  readonly probesPerSecond: number;
  readonly probesAtOnce: number;
  /** Of the nodes that are reached from the internet, so many are sought by who takes anybody. */
  readonly soughtOnClearnet: number;
  /** With so many neighbours found nobody needs to be called: routes go over eight paths at most. */
  readonly enoughFound: number;
}

export const DISCOVERY_TUNING: DiscoveryTuning = {
  firstGapsMs: [250, 500, 1_000, 2_000, 4_000],
  gapMs: 10_000,
  leastGapMs: 1_000,
  verifiedPerSecond: 5,
  verifiedAtOnce: 16,
  triedPerSecond: 2,
  triedAtOnce: 8,
  maxTrying: 16,
  tryMs: 3_000,
  lostMs: 60_000,
  maxFound: 32,
  maxFoundOnSegment: 16,
  placesForRemembered: 4,
  maxRemembered: 64,
  rememberAfterMs: 10_000,
  rememberedDays: 30,
  savesPerMinute: 1,
  savesAtOnce: 4,
  timesSavedEveryMs: 3_600_000,
  callGapMs: 500,
  callFirstWaitMs: 5_000,
  callLastWaitMs: 600_000,
  seekLeastGapMs: 1_000,
  seekFirstWaitMs: 5_000,
  seekLastWaitMs: 600_000,
  seekLookMs: 10_000,
  soughtPerSecond: 2,
  soughtAtOnce: 8,
  metPerSecond: 2,
  metAtOnce: 8,
  probeAfterMs: 5_000,
  probeFirstWaitMs: 30_000,
  probeLastWaitMs: 300_000,
  probeSettleMs: 2_000,
  probeAnswerMs: 10_000,
  mappingMs: 300_000,
  probedPerSecond: 0.1,
  probedAtOnce: 2,
  probesPerSecond: 0.5,
  probesAtOnce: 4,
  soughtOnClearnet: 4,
  enoughFound: 8,
};

/** docs/protocol.md section 9.1: as far as clocks may differ. */
export const BEACON_LIFE_MS = 180_000;
