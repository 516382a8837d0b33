/**
 * Walks over the packets that a PACKET or TRAIN message brings (docs/protocol.md section 8): `begin`, then `next` until it is not 'packet'. On
 * the packet path: no allocation.
 */
import { packetStart, segmentBytesOf, TrainReader, TUNNEL_KIND } from '../wire/tunnel-message.ts';

export class PacketReader {
  /** Where the packet begins, its bytes, and the payload of each of its segments, 0 where it is a single one. */
  start = 0;
  length = 0;
  segmentBytes = 0;
  private readonly train = new TrainReader();
  private message: Uint8Array = new Uint8Array(0);
  private isTrain = false;

  begin(message: Uint8Array): void {
    this.message = message;
    this.isTrain = message[0] === TUNNEL_KIND.train;
    this.start = 0;
    this.segmentBytes = 0;
    if (this.isTrain) this.train.begin(message);
  }

  /** `malformed`: nothing that could be read from here on. */
  next(): 'packet' | 'end' | 'malformed' {
    if (!this.isTrain) return this.nextOfOne();
    const next = this.train.next();
    this.start = this.train.start;
    this.length = this.train.length;
    return next;
  }

  private nextOfOne(): 'packet' | 'end' | 'malformed' {
    if (this.start > 0) return 'end';
    const start = packetStart(this.message);
    const segmentBytes = start === undefined ? undefined : segmentBytesOf(this.message);
    if (start === undefined || segmentBytes === undefined) return 'malformed';
    this.start = start;
    this.length = this.message.length - start;
    this.segmentBytes = segmentBytes;
    return 'packet';
  }
}
