/**
 * The messages of a link's channels until the peer has them (docs/protocol.md sections 3 and 3.3): kept, cut to fit, sent
 * again when lost, forgotten when acknowledged. They are few and short (set-ups, records), so plain objects will do.
 *
 * Bounds: 256 KiB and 1,024 messages kept; 8 messages of more than one piece under way, which is what a receiver puts
 * together at once.
 */
import { CHANNEL_OVERHEAD_BYTES, type ChannelFrame } from '../../wire/frames.ts';
import { NO_ROOM, NOTHING } from '../frame-source.ts';
import { UNFINISHED_MESSAGES_MAX } from '../protocol-numbers.ts';

export const CHANNEL_KEPT_BYTES_MAX = 256 * 1_024;
/** Half of the window in which the receiver knows a message again. */
export const CHANNEL_KEPT_MESSAGES_MAX = 1_024;

interface Message {
  readonly channel: number;
  readonly number: number;
  readonly bytes: Uint8Array;
  /** Up to where it was cut into pieces, and how many of its bytes were acknowledged. */
  cut: number;
  acked: number;
  /** Whether it counts as one of several pieces. */
  long: boolean;
}

interface Piece {
  readonly message: Message;
  readonly offset: number;
  readonly length: number;
}

/** What to send: `start` and `length` are positions in `bytes`. */
export interface OutgoingChannelFrame extends ChannelFrame {
  bytes: Uint8Array;
}

export class ChannelSender {
  private readonly smallestPieceBytes: number;
  private readonly frame: OutgoingChannelFrame;
  private readonly pieces = new Map<number, Piece>();
  /** Tokens of pieces that were lost, and messages that are not wholly cut yet; oldest first. */
  private readonly again: number[] = [];
  private readonly uncut: Message[] = [];
  private nextMessage = 0;
  private nextToken = 0;
  private keptMessages = 0;
  private keptBytes = 0;
  private longUnderWay = 0;

  /** `smallestPieceBytes`: a message is not cut to fill less room than this. */
  constructor(smallestPieceBytes: number) {
    this.smallestPieceBytes = smallestPieceBytes;
    const empty = { channel: 0, message: 0, offset: 0, last: false, start: 0, length: 0 };
    this.frame = { ...empty, bytes: new Uint8Array(0) };
  }

  /** What `next` filled in. */
  get outgoing(): Readonly<OutgoingChannelFrame> {
    return this.frame;
  }

  get heldBytes(): number {
    return this.keptBytes;
  }

  /** Takes a copy of the message. False when too much is kept already. */
  add(channel: number, message: Uint8Array): boolean {
    if (this.keptBytes + message.length > CHANNEL_KEPT_BYTES_MAX) return false;
    if (this.keptMessages >= CHANNEL_KEPT_MESSAGES_MAX) return false;
    // 2^32 messages outlast any session.
    const number = this.nextMessage++;
    this.uncut.push({ channel, number, bytes: message.slice(), cut: 0, acked: 0, long: false });
    this.keptMessages += 1;
    this.keptBytes += message.length;
    return true;
  }

  /** The token of the next piece whose frame takes at most `roomBytes`, with `outgoing` filled in; or NOTHING, or NO_ROOM. */
  next(roomBytes: number): number {
    const room = roomBytes - CHANNEL_OVERHEAD_BYTES;
    while (this.again.length > 0) {
      const piece = this.pieces.get(this.again[0]);
      // Acknowledged late.
      if (piece === undefined) this.again.shift();
      else return this.repeat(this.again[0], piece, room);
    }
    const message = this.uncut[0];
    if (message === undefined) return NOTHING;
    const left = message.bytes.length - message.cut;
    const length = Math.min(left, room);
    if (length < left && length < this.smallestPieceBytes) return NO_ROOM;
    if (length < left && !message.long) {
      if (this.longUnderWay >= UNFINISHED_MESSAGES_MAX) return NOTHING;
      message.long = true;
      this.longUnderWay += 1;
    }
    const token = this.fill(message, message.cut, length);
    message.cut += length;
    if (message.cut === message.bytes.length) this.uncut.shift();
    return token;
  }

  acked(token: number): void {
    const piece = this.pieces.get(token);
    if (piece === undefined) return;
    this.pieces.delete(token);
    const { message } = piece;
    message.acked += piece.length;
    if (message.acked < message.bytes.length) return;
    this.keptMessages -= 1;
    this.keptBytes -= message.bytes.length;
    if (message.long) this.longUnderWay -= 1;
  }

  lost(token: number): void {
    if (this.pieces.has(token)) this.again.push(token);
  }

  /** Sends a lost piece again; in two, under new tokens, when it does not fit any more. */
  private repeat(token: number, { message, offset, length }: Piece, room: number): number {
    if (length <= room) {
      this.again.shift();
      this.describe(message, offset, length);
      return token;
    }
    if (room < this.smallestPieceBytes) return NO_ROOM;
    this.pieces.delete(token);
    const rest = this.nextToken++;
    this.pieces.set(rest, { message, offset: offset + room, length: length - room });
    this.again[0] = rest;
    if (!message.long) {
      message.long = true;
      this.longUnderWay += 1;
    }
    return this.fill(message, offset, room);
  }

  private fill(message: Message, offset: number, length: number): number {
    const token = this.nextToken++;
    this.pieces.set(token, { message, offset, length });
    this.describe(message, offset, length);
    return token;
  }

  private describe(message: Message, offset: number, length: number): void {
    const { frame } = this;
    frame.channel = message.channel;
    frame.message = message.number;
    frame.offset = offset;
    frame.last = offset + length === message.bytes.length;
    frame.bytes = message.bytes;
    frame.start = offset;
    frame.length = length;
  }
}
