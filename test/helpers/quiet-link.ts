/** What a link says of itself on which nothing happens; fields may be changed. */
import { RELIABLE } from '../../src/base/traffic-class.ts';
import type { LinkMeasures } from '../../src/link/link-measures.ts';

export type ChangeableMeasures = { -readonly [Key in keyof LinkMeasures]: LinkMeasures[Key] };

export function quietMeasures(frameBytes: number): ChangeableMeasures {
  return {
    roundTripMs: 10,
    roundTripVarMs: 1,
    leastRoundTripMs: 10,
    queueMs: 0,
    lossShare: 0,
    lossBurstDatagrams: 0,
    deliveredBytesPerMs: 0,
    sentBytesPerMs: 0,
    paceBytesPerMs: 0,
    inFlightBytes: 0,
    windowBytes: 0,
    realTimeProbeMs: 13,
    bulkProbeMs: 30,
    retransmittedDatagrams: 0,
    lateDatagrams: 0,
    ackDatagrams: 0,
    spareMs: 0,
    deliveryMs: RELIABLE,
    frameBytes,
  };
}
