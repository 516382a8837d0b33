/** What `status` tells of a configured peer, connected or not. */
import type { LinkId, NodeKey } from '../base/ids.ts';
import type { DeliveryMs } from '../base/traffic-class.ts';
import type { LinkDirection } from './one-way/direction.ts';

export interface LinkStatus {
  readonly link: LinkId;
  readonly key: NodeKey;
  readonly state: 'down' | 'handshake' | 'up';
  /** Where the peer is, or is sought: ENDPOINT_BYTES. */
  readonly endpoint: Uint8Array | undefined;
  readonly configuredEndpoint: Uint8Array | undefined;
  /** As it is now: a link of `both` may work in one direction only. */
  readonly direction: LinkDirection;
  readonly sentDatagrams: number;
  readonly sentBytes: number;
  readonly receivedDatagrams: number;
  readonly receivedBytes: number;
  /** How long this node tries on this link at most. */
  readonly deliveryMs: DeliveryMs;
  /** Of the session; undefined unless the link is up. */
  readonly session:
    | {
        readonly role: 'initiator' | 'responder';
        readonly upForMs: number;
        readonly roundTripMs: number;
        readonly leastRoundTripMs: number;
        readonly epoch: number;
        readonly rekeys: number;
        readonly pathMtuBytes: number;
        readonly lastHeardMsAgo: number;
        /** Of our datagrams, 0 to 1. */
        readonly lossShare: number;
        /** What stands in the queue of our direction. */
        readonly queueMs: number;
        readonly sentBytesPerMs: number;
        readonly deliveredBytesPerMs: number;
        /** Sent and neither acknowledged nor taken for lost, and how much of that there may be. */
        readonly inFlightBytes: number;
        readonly windowBytes: number;
        readonly paceBytesPerMs: number;
        /** Datagrams whose frames were sent again; of these, those that arrived after all. */
        readonly retransmittedDatagrams: number;
        readonly lateDatagrams: number;
        /** Datagrams sent for nothing but an ACK. */
        readonly ackDatagrams: number;
      }
    | undefined;
}
