/** What the route layer tells about itself. */
import type { LinkId, RouteHandle } from '../base/ids.ts';
import type { DeliveryMs, TrafficClass } from '../base/traffic-class.ts';

export interface RouteStatus {
  readonly relayed: number;
  readonly origin: number;
  readonly destination: number;
  readonly forwardedPieces: number;
  readonly forwardedBytes: number;
  readonly parkedBytes: number;
  readonly unfinishedMessages: number;
  /** The route table, and what is remembered of idle routes. */
  readonly tableBytes: number;
  readonly memory: MemoryStatus;
}

export interface MemoryStatus {
  /** Bytes of blocks in use, and how many there may be. */
  readonly usedBytes: number;
  readonly limitBytes: number;
  /** Bytes of pieces that are promised to neighbours or held by own routes, and how many may be. */
  readonly promisedBytes: number;
  readonly promiseLimitBytes: number;
}

/** One route with what one direction of it does at this node. */
export interface RouteRow {
  readonly role: 'origin' | 'destination' | 'relay';
  /** At an end. */
  readonly handle: RouteHandle | undefined;
  /** Seen from its origin. */
  readonly direction: 'forward' | 'backward';
  readonly trafficClass: TrafficClass;
  readonly deliveryMs: DeliveryMs;
  /** Where the pieces come from and go to; undefined: this node. */
  readonly fromLink: LinkId | undefined;
  readonly toLink: LinkId | undefined;
  /** Kept at this node, and how much may be: what was promised to the hop before, or put in here, stands even where the bound has fallen. */
  readonly bufferedBytes: number;
  readonly boundBytes: number;
  /** What may still be sent to the next hop; undefined where nothing goes out, or no credit is needed. */
  readonly creditBytes: number | undefined;
  readonly rateBytesPerMs: number;
  readonly forwardedBytes: number;
  readonly retransmittedPieces: number;
  readonly gonePieces: number;
}
