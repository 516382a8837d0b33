/**
 * What a queue tells the ends of a flow when it is too long, while the message is still in the clear (docs/protocol.md 8): a mark where they
 * understand it (RFC 3168), else the loss of a packet. Of a superpacket that is its first segment and not all of it: the queue
 * meant one packet, and a TCP that lost many at once would take longer to mend it.
 */
import { IPV4_HEADER_BYTES, markCongestion } from '../wire/ip.ts';
import { dropFirstSegment, MAX_SEGMENTS, packetProblem } from '../wire/superpacket.ts';
import { PACKET_HEADER_BYTES, packetStart, segmentBytesOf, TrainReader, TUNNEL_KIND } from '../wire/tunnel-message.ts';

const IPV4 = 4;

/** As bundle/queue/flow-queue.ts asks: true when it is marked, how many bytes are left when a segment was dropped, else false. */
export function tellCongestion(message: Uint8Array): boolean | number {
  if (message[0] === TUNNEL_KIND.train) return tellTrain(message);
  const start = message[0] === TUNNEL_KIND.packet ? packetStart(message) : undefined;
  if (start === undefined || message.length - start < IPV4_HEADER_BYTES || message[start] >>> 4 !== IPV4) return false;
  return markCongestion(message, start) || loseSegment(message, start);
}

/** By its first packet: marked, or taken out where another one is left. */
function tellTrain(message: Uint8Array): boolean | number {
  const train = new TrainReader();
  train.begin(message);
  if (train.next() !== 'packet' || train.length < IPV4_HEADER_BYTES) return false;
  const { start, length } = train;
  if (message[start] >>> 4 === IPV4 && markCongestion(message, start)) return true;
  if (train.next() !== 'packet') return false;
  message.copyWithin(PACKET_HEADER_BYTES, start + length);
  return message.length - (start + length - PACKET_HEADER_BYTES);
}

function loseSegment(message: Uint8Array, start: number): false | number {
  const segmentBytes = segmentBytesOf(message) ?? 0;
  const length = message.length - start;
  if (segmentBytes === 0 || packetProblem(message, start, length, segmentBytes, MAX_SEGMENTS) !== undefined)
    return false;
  const left = dropFirstSegment(message, start, length, segmentBytes);
  return left > 0 && start + left;
}
