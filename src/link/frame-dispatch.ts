/**
 * Hands the frames of an authentic datagram to whoever they are for (docs/protocol.md section 3). On the hot path:
 * allocates nothing for a DATA frame; the piece handed on is one reused object.
 */
import { readU16, readU32 } from '../base/bytes.ts';
import type { Drops } from '../base/drops.ts';
import {
  type ChannelFrame,
  CLOSE_BODY_BYTES,
  FRAME_CHANNEL,
  FRAME_CLOSE,
  FRAME_DATA,
  FRAME_PATH,
  FRAME_PATH_ACK,
  FRAME_PING,
  FRAME_PONG,
  FRAME_REKEY,
  FRAME_REKEY_ACK,
  FrameReader,
  PATH_ACK_BODY_BYTES,
  PATH_MIN_BODY_BYTES,
  PING_BODY_BYTES,
  readChannelFrame,
  readDataFrame,
  readRekeyFrame,
} from '../wire/frames.ts';
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

  /** `closed`: the peer ended the session. */
  constructor(drops: Drops, events: () => LinkEvents, closed: (session: Session, now: number) => void) {
    this.drops = drops;
    this.events = events;
    this.closed = closed;
  }

  /** Frames behind one that ends the session are not looked at. */
  dispatch(session: Session, datagram: OpenedDatagram, now: number): void {
    const { reader } = this;
    const { batch } = datagram;
    reader.begin(batch.arena, datagram.framesAt, datagram.framesEnd);
    while (session.state === 'active') {
      const next = reader.next();
      if (next === 'end') return;
      if (next === 'frame-truncated') return this.drops.count(next);
      const drop =
        reader.type === FRAME_DATA
          ? this.data(session, batch.arena, now)
          : this.control(session, batch.arena, batch.lengths[datagram.index], now);
      if (drop !== undefined) this.drops.count(drop);
    }
  }

  private data(session: Session, bytes: Uint8Array, now: number): string | undefined {
    const { reader, piece } = this;
    const drop = readDataFrame(bytes, reader.at, reader.length, piece);
    if (drop !== undefined) return drop;
    piece.buffer = bytes;
    session.carried(now);
    this.events().data(session.link, piece, now);
    return undefined;
  }

  private channelPiece(session: Session, bytes: Uint8Array, now: number): string | undefined {
    const { reader, channel } = this;
    const drop = readChannelFrame(bytes, reader.at, reader.length, channel);
    if (drop !== undefined) return drop;
    session.carried(now);
    const { offset, last, start, length } = channel;
    const message = session.reassembly.add(channel.channel, channel.message, offset, last, bytes, start, length, now);
    if (message !== undefined) this.events().channelMessage(session.link, channel.channel, message, now);
    return undefined;
  }

  private control(session: Session, bytes: Uint8Array, datagramBytes: number, now: number): string | undefined {
    const { type, at, length } = this.reader;
    switch (type) {
      case FRAME_CHANNEL:
        return this.channelPiece(session, bytes, now);
      case FRAME_PING:
        if (length !== PING_BODY_BYTES) return 'frame-malformed';
        session.pong(bytes, at);
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
