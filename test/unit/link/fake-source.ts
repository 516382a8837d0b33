/**
 * A frame source without routes: messages wait in a line for each link, are cut as they are asked for, and are kept until
 * acknowledged. Numbers the frames of each route, as a real one does.
 */
import { toHex } from '../../../src/base/bytes.ts';
import type { LinkId } from '../../../src/base/ids.ts';
import { type FrameSource, NO_ROOM, NOTHING, type OutgoingFrame } from '../../../src/link/frame-source.ts';
import { LINK_TUNING } from '../../../src/link/tuning.ts';
import { DATA_OVERHEAD_BYTES, DATA_TTL_BYTES, LIMIT_FRAME_BYTES } from '../../../src/wire/frames.ts';

interface Line {
  readonly waiting: Part[];
  readonly limits: Limit[];
}

interface Part {
  readonly routeId: Uint8Array;
  readonly message: number;
  readonly bytes: Uint8Array;
  readonly realTime: boolean;
  readonly ttlMs: number;
  offset: number;
  end: number;
  /** From its first sending on. */
  sequence: number | undefined;
  token: number;
}

interface Limit {
  readonly kind: 'credit' | 'blocked';
  readonly routeId: Uint8Array;
  readonly limit: number;
}

export interface MessageOptions {
  readonly realTime?: boolean;
  readonly ttlMs?: number;
}

export class FakeSource implements FrameSource {
  /** Called when something waits. */
  sendable: (link: LinkId) => void = () => undefined;
  /** The longest frame that an empty datagram takes. */
  frameBytes: (link: LinkId) => number = () => 0;
  /** By token: what the link was given and has not told of as acknowledged. */
  readonly given = new Map<number, Part | Limit>();
  ackedTokens: number[] = [];
  lostTokens: number[] = [];
  /** Called for every frame asked for, after it was filled in. */
  onGiven: ((frame: OutgoingFrame, roomBytes: number, now: number) => void) | undefined;
  /** When it says so, what waits is not given. */
  closed = false;
  private readonly lines = new Map<LinkId, Line>();
  private readonly sequences = new Map<string, number>();
  private nextToken = 0;

  send(link: LinkId, routeId: Uint8Array, message: number, bytes: Uint8Array, options: MessageOptions = {}): void {
    const { realTime = false, ttlMs = -1 } = options;
    const part = { routeId, message, bytes, realTime, ttlMs, offset: 0, end: bytes.length };
    this.lineOf(link).waiting.push({ ...part, sequence: undefined, token: -1 });
    this.sendable(link);
  }

  sendLimit(link: LinkId, limit: Limit): void {
    this.lineOf(link).limits.push(limit);
    this.sendable(link);
  }

  /** Bytes and limits that wait, or are not acknowledged. */
  get kept(): number {
    let count = this.given.size;
    for (const { waiting, limits } of this.lines.values()) {
      count += limits.length + waiting.filter(({ token }) => !this.given.has(token)).length;
    }
    return count;
  }

  /** The link is down: nothing will be heard of its tokens. */
  drop(link: LinkId): void {
    this.lines.delete(link);
    this.given.clear();
  }

  next(link: LinkId, roomBytes: number, now: number, frame: OutgoingFrame): number {
    const { waiting } = this.lineOf(link);
    // Acknowledged late.
    while (waiting.length > 0 && waiting[0].token >= 0 && !this.given.has(waiting[0].token)) waiting.shift();
    const part = waiting[0];
    if (part === undefined || this.closed) return NOTHING;
    const room = roomBytes - DATA_OVERHEAD_BYTES - (part.ttlMs < 0 ? 0 : DATA_TTL_BYTES);
    const left = part.end - part.offset;
    const length = Math.min(left, room);
    if (length < left && length < LINK_TUNING.smallestPieceBytes) return NO_ROOM;
    // What was sent once is cut again only where the path has become narrower.
    if (length < left && part.sequence !== undefined && roomBytes < this.frameBytes(link)) return NO_ROOM;
    const sent = length < left ? { ...part, end: part.offset + length } : part;
    if (length < left) {
      part.offset += length;
      part.token = -1;
      part.sequence = undefined;
    } else {
      waiting.shift();
    }
    sent.sequence ??= this.takeSequence(part.routeId);
    if (sent.token < 0) sent.token = this.nextToken++;
    this.given.set(sent.token, sent);
    const { routeId, message, offset, end, bytes, ttlMs, realTime, sequence } = sent;
    const last = end === bytes.length;
    Object.assign(frame, { kind: 'data', routeId, routeIdAt: 0, sequence, message, offset, last, ttlMs, realTime });
    Object.assign(frame, { buffer: bytes, start: offset, length: end - offset });
    this.onGiven?.(frame, roomBytes, now);
    return sent.token;
  }

  nextRun(): number {
    return 0;
  }

  nextControl(link: LinkId, roomBytes: number, now: number, frame: OutgoingFrame): number {
    const { limits } = this.lineOf(link);
    if (limits.length === 0) return NOTHING;
    if (roomBytes < LIMIT_FRAME_BYTES) return NO_ROOM;
    const limit = limits.shift()!;
    Object.assign(frame, limit, { routeIdAt: 0, realTime: false });
    const token = this.nextToken++;
    this.given.set(token, limit);
    this.onGiven?.(frame, roomBytes, now);
    return token;
  }

  acked(_link: LinkId, tokens: Float64Array, count: number): void {
    for (const token of tokens.subarray(0, count)) {
      this.ackedTokens.push(token);
      this.given.delete(token);
    }
  }

  lost(link: LinkId, token: number): void {
    this.lostTokens.push(token);
    const given = this.given.get(token);
    if (given === undefined) return;
    const { waiting, limits } = this.lineOf(link);
    if ('limit' in given) {
      this.given.delete(token);
      limits.push(given);
    } else {
      waiting.unshift(given);
    }
    this.sendable(link);
  }

  private lineOf(link: LinkId): Line {
    let line = this.lines.get(link);
    if (line === undefined) {
      line = { waiting: [], limits: [] };
      this.lines.set(link, line);
    }
    return line;
  }

  private takeSequence(routeId: Uint8Array): number {
    const name = toHex(routeId);
    const sequence = this.sequences.get(name) ?? 0;
    this.sequences.set(name, sequence + 1);
    return sequence;
  }
}
