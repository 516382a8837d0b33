/** Our own choices for radios, each with its reason; none is on the wire. */

export interface RadioTuning {
  /** Frequencies of one scan: about 50 ms each away from the neighbours, so that a download sees a hiccup and no gap. */
  readonly portion: number;
  /** Between the portions of a sweep: the neighbours get their turn. */
  readonly portionPauseMs: number;
  /** Between sweeps; doubles while nobody new is heard. A box that was just switched on is found within seconds, an empty street costs nothing. */
  readonly firstPauseMs: number;
  /** The longest pause while there is no neighbour on this radio, and with one. */
  readonly longestAloneMs: number;
  readonly longestSettledMs: number;
  /** A scan that would disturb a call is put off by this. */
  readonly callPauseMs: number;
  /** Of two boxes that hear each other one goes to the other at once, the other after this: else both would, and two links share the air for nothing. */
  readonly letOthersMs: number;
  /** An association takes a second at most. */
  readonly joinMs: number;
  /** For a link over a network that was joined: beacons come every 10 s at the latest. */
  readonly linkMs: number;
  /** How long a box that could not be joined, went away or gave no link is left alone; doubles each time. An access point that restarts takes about 2 s. */
  readonly firstRefusalMs: number;
  readonly longestRefusalMs: number;
  /** A box that was not heard for this long is gone: two of the longest pauses and more, so that none is taken for new that was there all the time. */
  readonly heardLifeMs: number;
  /** Boxes remembered, heard and refused each; more in reach of one radio would not get a word in. */
  readonly mostHeard: number;
}

export const RADIO_TUNING: RadioTuning = {
  portion: 4,
  portionPauseMs: 300,
  firstPauseMs: 3_000,
  longestAloneMs: 60_000,
  longestSettledMs: 600_000,
  callPauseMs: 5_000,
  letOthersMs: 8_000,
  joinMs: 10_000,
  linkMs: 30_000,
  firstRefusalMs: 2_000,
  longestRefusalMs: 600_000,
  heardLifeMs: 1_500_000,
  mostHeard: 64,
};
