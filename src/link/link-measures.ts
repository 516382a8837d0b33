/** What a link knows of itself, for whoever decides what goes over it. One live object a link: read it when needed. */
import type { DeliveryMs } from '../base/traffic-class.ts';

export interface LinkMeasures {
  /** Smoothed; the initial guess before the first sample and while the link is down. */
  readonly roundTripMs: number;
  readonly roundTripVarMs: number;
  /** Without the queue on the way. */
  readonly leastRoundTripMs: number;
  /** Of our datagrams, smoothed, 0 to 1. */
  readonly lossShare: number;
  /** By how many datagrams more than chance has it they are lost in a row. */
  readonly lossBurstDatagrams: number;
  /** What the peer acknowledged, and what was sent; bytes of whole datagrams. */
  readonly deliveredBytesPerMs: number;
  readonly sentBytesPerMs: number;
  readonly inFlightBytes: number;
  readonly windowBytes: number;
  /** What congestion control allows, and what it sees standing in the queue of our direction. */
  readonly paceBytesPerMs: number;
  readonly queueMs: number;
  /** When an unacknowledged datagram is taken for lost, from its sending. */
  readonly realTimeProbeMs: number;
  readonly bulkProbeMs: number;
  /** Datagrams whose frames were put back for sending again; of these, those that had arrived after all. */
  readonly retransmittedDatagrams: number;
  readonly lateDatagrams: number;
  /** Datagrams sent for nothing but an ACK. */
  readonly ackDatagrams: number;
  /** All the time in which this end would have sent more, had there been anything, ms. */
  readonly spareMs: number;
  /** How long this node tries on this link at most, whatever the route asks: RELIABLE unless configured. */
  readonly deliveryMs: DeliveryMs;
  /** The longest whole frame that fits an empty datagram. */
  readonly frameBytes: number;
}
