/**
 * Hands the frames of an authentic datagram to whoever they are for (docs/protocol.md section 3). On the hot path:
 * allocates nothing for a DATA frame; the piece handed on is one reused object.
 */
import { readU16, readU32 } from '../base/bytes.ts';
import type { Drops } from '../base/drops.ts';
import { RangeBlocks } from '../wire/ack-ranges.ts';
import {
  type AckFrame,
  type ChannelFrame,
  CLOSE_BODY_BYTES,
  FRAME_ACK,
  FRAME_BLOCKED,
  FRAME_CHANNEL,
  FRAME_CLOSE,
  FRAME_CREDIT,
  FRAME_DATA,
  FRAME_GONE,
  FRAME_LOAD,
  FRAME_LOAD_ASK,
  FRAME_PATH,
  FRAME_PATH_ACK,
  FRAME_PING,
  FRAME_PONG,
  FRAME_REKEY,
  FRAME_REKEY_ACK,
  FrameReader,
  LOAD_BODY_BYTES,
  PATH_ACK_BODY_BYTES,
  PATH_MIN_BODY_BYTES,
  PING_BODY_BYTES,
  readAckFrame,
  readChannelFrame,
  readDataFrame,
  readGoneFrame,
  readLimitFrame,
  readLoadFrame,
  readRekeyFrame,
} from '../wire/frames.ts';
import { ASKS_ACK, ASKS_ACK_AT_ONCE, ASKS_NOTHING, type Asks } from './arq/ack-tracker.ts';
import type { OpenedDatagram } from './inbox.ts';
import type { LinkEvents } from './link-events.ts';
import { createPiece } from './piece.ts';
import type { Session } from './session.ts';

export class FrameDispatch {
  private readonly drops: Drops;
  private readonly events: () => LinkEvents;
  private readonly closed: (session: Session, now: number) => void;
  private readonly reader = new FrameReader();
  private readonly piece = createPiece();
  private readonly channel: ChannelFrame = { channel: 0, message: 0, offset: 0, last: false, start: 0, length: 0 };
  private readonly ack: AckFrame = { delayMs: 0, arrivedUs: 0, blocks: new RangeBlocks() };
  /** Of the datagram that is looked at: what its sender is owed, and whether something of it was refused. */
  private asks: Asks = ASKS_NOTHING;
  private refused = false;

  /** `closed`: the peer ended the session. */
  constructor(drops: Drops, events: () => LinkEvents, closed: (session: Session, now: number) => void) {
    this.drops = drops;
    this.events = events;
    this.closed = closed;
  }

  /**
   * Frames behind one that ends the session are not looked at. A datagram of which something was refused is not
   * acknowledged: all of it comes again, and everybody knows again what they took.
   */
  dispatch(session: Session, datagram: OpenedDatagram, now: number): void {
    const { reader } = this;
    const { batch } = datagram;
    if (datagram.datagrams > 1) return this.run(session, datagram, now);
    this.asks = ASKS_NOTHING;
    this.refused = false;
    reader.begin(batch.arena, datagram.framesAt, datagram.framesEnd);
    while (session.state === 'active') {
      const next = reader.next();
      if (next === 'end') break;
      const drop = next === 'frame' ? this.frame(session, datagram, now) : next;
      if (drop !== undefined) this.drops.count(drop);
      if (next === 'frame-truncated') break;
    }
    if (session.state === 'active' && !this.refused) session.taken(datagram.counter, this.asks, now);
  }

  private frame(session: Session, datagram: OpenedDatagram, now: number): string | undefined {
    const { batch } = datagram;
    switch (this.reader.type) {
      case FRAME_DATA:
      case FRAME_GONE:
        return this.data(session, batch.arena, now);
      case FRAME_ACK:
        return this.acknowledge(session, batch.arena, now);
      case FRAME_CREDIT:
      case FRAME_BLOCKED:
        return this.limit(session, batch.arena, now);
      default:
        return this.control(session, batch.arena, batch.lengths[datagram.index], now);
    }
  }

  private data(session: Session, bytes: Uint8Array, now: number): string | undefined {
    const { reader, piece } = this;
    piece.gone = reader.type === FRAME_GONE;
    const read = piece.gone ? readGoneFrame : readDataFrame;
    const drop = read(bytes, reader.at, reader.length, piece);
    if (drop !== undefined) return drop;
    piece.buffer = bytes;
    piece.realTime = false;
    session.carried(now);
    const taken = this.events().data(session.link, piece, now);
    this.owes(piece.realTime ? ASKS_ACK_AT_ONCE : ASKS_ACK);
    if (taken) return undefined;
    this.refused = true;
    return 'link-piece-refused';
  }

  /** Pieces that were joined: refused together, and acknowledged each as it came. */
  private run(session: Session, { run, counter, datagrams }: OpenedDatagram, now: number): void {
    if (session.state !== 'active') return;
    const { piece } = run;
    session.carried(now);
    if (!this.events().data(session.link, piece, now)) return this.drops.count('link-piece-refused', datagrams);
    const asks = piece.realTime ? ASKS_ACK_AT_ONCE : ASKS_ACK;
    for (let i = 0; i < datagrams; i++) session.taken(counter + i, asks, now);
  }

  private acknowledge(session: Session, bytes: Uint8Array, now: number): string | undefined {
    const { reader, ack } = this;
    const drop = readAckFrame(bytes, reader.at, reader.length, ack);
    if (drop !== undefined) return drop;
    return session.acknowledge(ack, now) ? undefined : 'frame-ack-unsent';
  }

  private limit(session: Session, bytes: Uint8Array, now: number): string | undefined {
    const { type, at, length } = this.reader;
    const limit = readLimitFrame(bytes, at, length);
    if (limit === undefined) return 'frame-malformed';
    this.owes(ASKS_ACK);
    if (type === FRAME_CREDIT) this.events().credit(session.link, bytes, at, limit, now);
    else this.events().blocked(session.link, bytes, at, limit, now);
    return undefined;
  }

  private channelPiece(session: Session, bytes: Uint8Array, now: number): string | undefined {
    const { reader, channel } = this;
    const drop = readChannelFrame(bytes, reader.at, reader.length, channel);
    if (drop !== undefined) return drop;
    session.carried(now);
    this.owes(ASKS_ACK);
    const message = session.channels.add(channel, bytes);
    if (message === 'refused') this.refused = true;
    else if (message !== 'taken') this.events().channelMessage(session.link, channel.channel, message, now);
    return undefined;
  }

  private owes(asks: Asks): void {
    if (asks > this.asks) this.asks = asks;
  }

  private control(session: Session, bytes: Uint8Array, datagramBytes: number, now: number): string | undefined {
    const { type, at, length } = this.reader;
    switch (type) {
      case FRAME_CHANNEL:
        return this.channelPiece(session, bytes, now);
      case FRAME_PING:
        if (length !== PING_BODY_BYTES) return 'frame-malformed';
        session.pong(bytes, at, now);
        return undefined;
      case FRAME_PONG:
        if (length !== PING_BODY_BYTES) return 'frame-malformed';
        return session.ponged(bytes, at, now) ? undefined : 'frame-pong-unexpected';
      case FRAME_REKEY:
      case FRAME_REKEY_ACK:
        return rekey(session, type, bytes, at, length, now);
      case FRAME_PATH:
        if (length < PATH_MIN_BODY_BYTES) return 'frame-malformed';
        session.acknowledgePath(readU32(bytes, at), datagramBytes);
        return undefined;
      case FRAME_PATH_ACK:
        if (length !== PATH_ACK_BODY_BYTES) return 'frame-malformed';
        return session.pathMtu.acknowledge(readU32(bytes, at), readU16(bytes, at + 4), now)
          ? undefined
          : 'frame-path-ack-unexpected';
      case FRAME_LOAD_ASK:
        if (length !== 0) return 'frame-malformed';
        session.tellLoad(now);
        return undefined;
      case FRAME_LOAD:
        if (length !== LOAD_BODY_BYTES) return 'frame-malformed';
        this.events().load(session.link, readLoadFrame(bytes, at), now);
        return undefined;
      case FRAME_CLOSE:
        if (length !== CLOSE_BODY_BYTES) return 'frame-malformed';
        this.closed(session, now);
        return undefined;
      default:
        return 'frame-unknown';
    }
  }
}

function rekey(
  session: Session,
  type: number,
  bytes: Uint8Array,
  at: number,
  length: number,
  now: number,
): string | undefined {
  const frame = readRekeyFrame(bytes, at, length);
  if (frame === undefined) return 'frame-malformed';
  const expected =
    type === FRAME_REKEY
      ? session.rekey(frame.epoch, frame.ephemeral, now)
      : session.rekeyed(frame.epoch, frame.ephemeral, now);
  return expected ? undefined : 'frame-rekey-unexpected';
}
