/**
 * What a link asks of the layer that keeps the pieces (docs/protocol.md section 3.3). A link has no queue of data: when
 * its window and pacer allow a datagram, it asks for the next frame, so what was decided last goes out first and one or
 * two datagrams are all that lies below the scheduler.
 *
 * A source names each frame by a token, and hears of that token once for each datagram that carried it: acknowledged, or
 * lost. A datagram that was taken for lost may still be acknowledged later; then the token is heard of again. When a
 * link goes down nothing more is heard of the tokens that were on their way over it.
 */
import type { LinkId } from '../base/ids.ts';

/** There is nothing to send on this link now; `LinkLayer.sendable` says when there is. */
export const NOTHING = -1;
/** There is something, and it does not fit: finish this datagram and ask again. */
export const NO_ROOM = -2;

/** One reused object, filled by the source. What a kind does not name is not read. */
export interface OutgoingFrame {
  kind: 'data' | 'gone' | 'credit' | 'blocked';
  /** The 16 bytes of the route id begin at `routeIdAt`. */
  routeId: Uint8Array;
  routeIdAt: number;
  /** data, gone. */
  sequence: number;
  message: number;
  /** Where in its message the piece begins. */
  offset: number;
  last: boolean;
  /** data: how long the piece may still live, or -1 when nothing limits it. */
  ttlMs: number;
  /** data: the piece, copied before `next` is asked again. */
  buffer: Uint8Array;
  start: number;
  /** data: bytes of the piece. gone: bytes that the receiver counts in its place. */
  length: number;
  /** credit, blocked: bytes. */
  limit: number;
  /** Somebody waits for it: its loss is found by the shorter probe timeout. */
  realTime: boolean;
}

/** Datagrams of one run: as many as the system sends at once (UDP_SEGMENT). */
export const RUN_DATAGRAMS_MAX = 64;

/** Pieces of one message in a row, each a DATA frame that fills a datagram; sequence and offset of the first. One reused object, filled by the source. */
export interface OutgoingRun {
  count: number;
  routeId: Uint8Array;
  routeIdAt: number;
  sequence: number;
  message: number;
  offset: number;
  /** All pieces in a row, each of `eachBytes`. */
  buffer: Uint8Array;
  start: number;
  eachBytes: number;
  /** By which each is named from now on. */
  readonly tokens: Float64Array;
}

export interface FrameSource {
  /**
   * Fills in the next DATA or GONE frame for this link, cut so that the whole frame takes at most `roomBytes`. Returns its
   * token, an integer of 0 or more that names nothing else while a datagram may name it; or NOTHING, or NO_ROOM (which is
   * never the answer to a room of `LinkMeasures.frameBytes`).
   */
  next(link: LinkId, roomBytes: number, now: number, frame: OutgoingFrame): number;
  /**
   * Fills in the next pieces where they are parts of one long message, at most `most` of them, each a frame of `frameBytes`: what `next`
   * would give one by one. Returns how many; 0 says nothing about what `next` has.
   */
  nextRun(link: LinkId, frameBytes: number, most: number, now: number, run: OutgoingRun): number;
  /** As `next`, for CREDIT and BLOCKED frames, which neither window nor pacer holds back. */
  nextControl(link: LinkId, roomBytes: number, now: number, frame: OutgoingFrame): number;
  /** The peer has datagrams with these frames: the first `count` tokens. A token that names nothing any more is ignored. */
  acked(link: LinkId, tokens: Float64Array, count: number, now: number): void;
  /** A datagram with this frame was lost, or seems to be. A token that names nothing any more is ignored. */
  lost(link: LinkId, token: number, now: number): void;
}

/** A source that never has anything. */
export const EMPTY_SOURCE: FrameSource = {
  next: () => NOTHING,
  nextRun: () => 0,
  nextControl: () => NOTHING,
  acked: () => undefined,
  lost: () => undefined,
};

export function createOutgoingRun(): OutgoingRun {
  return {
    count: 0,
    routeId: new Uint8Array(0),
    routeIdAt: 0,
    sequence: 0,
    message: 0,
    offset: 0,
    buffer: new Uint8Array(0),
    start: 0,
    eachBytes: 0,
    tokens: new Float64Array(RUN_DATAGRAMS_MAX),
  };
}

export function createOutgoingFrame(): OutgoingFrame {
  return {
    kind: 'data',
    routeId: new Uint8Array(0),
    routeIdAt: 0,
    sequence: 0,
    message: 0,
    offset: 0,
    last: false,
    ttlMs: -1,
    buffer: new Uint8Array(0),
    start: 0,
    length: 0,
    limit: 0,
    realTime: false,
  };
}
