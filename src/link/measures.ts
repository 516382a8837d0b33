/** The measures of one link, read from whichever session carries it; a link that is down has guesses and zeros. */
import { type DeliveryMs, RELIABLE } from '../base/traffic-class.ts';
import { SESSION_OVERHEAD_BYTES } from '../wire/session.ts';
import type { LinkContext } from './context.ts';
import type { LinkMeasures } from './link-measures.ts';
import { PATH_BASE_BYTES } from './protocol-numbers.ts';
import type { Session } from './session.ts';

export class Measures implements LinkMeasures {
  deliveryMs: DeliveryMs = RELIABLE;
  private readonly context: LinkContext;
  private readonly session: () => Session | undefined;

  constructor(context: LinkContext, session: () => Session | undefined) {
    this.context = context;
    this.session = session;
  }

  get roundTripMs(): number {
    return this.session()?.roundTrip.smoothedMs ?? this.context.tuning.initialRoundTripMs;
  }

  get roundTripVarMs(): number {
    return this.session()?.roundTrip.variationMs ?? this.context.tuning.initialRoundTripMs / 2;
  }

  get leastRoundTripMs(): number {
    return this.session()?.roundTrip.leastMs ?? this.context.tuning.initialRoundTripMs;
  }

  get lossShare(): number {
    return this.session()?.outbound.losses.meter.share ?? 0;
  }

  get lossBurstDatagrams(): number {
    return this.session()?.outbound.losses.runs.beyondChance(this.lossShare) ?? 0;
  }

  get deliveredBytesPerMs(): number {
    return this.session()?.outbound.ackedRate.bytesPerMs(this.context.clock.now) ?? 0;
  }

  get sentBytesPerMs(): number {
    return this.session()?.outbound.sentRate.bytesPerMs(this.context.clock.now) ?? 0;
  }

  get inFlightBytes(): number {
    return this.session()?.outbound.losses.flyingBytes ?? 0;
  }

  get windowBytes(): number {
    return this.session()?.outbound.window.bytes ?? 0;
  }

  get paceBytesPerMs(): number {
    return this.session()?.outbound.window.rateBytesPerMs ?? 0;
  }

  get queueMs(): number {
    return this.session()?.outbound.window.queueMs ?? 0;
  }

  get realTimeProbeMs(): number {
    return this.session()?.outbound.losses.realTimeProbeMs ?? this.context.tuning.initialRoundTripMs;
  }

  get bulkProbeMs(): number {
    return this.session()?.outbound.losses.bulkProbeMs ?? this.context.tuning.initialRoundTripMs;
  }

  get retransmittedDatagrams(): number {
    return this.session()?.outbound.losses.lostDatagrams ?? 0;
  }

  get lateDatagrams(): number {
    return this.session()?.outbound.losses.lateDatagrams ?? 0;
  }

  get ackDatagrams(): number {
    return this.session()?.outbound.ackDatagrams ?? 0;
  }

  get spareMs(): number {
    return this.session()?.outbound.spareMs(this.context.clock.now) ?? 0;
  }

  get frameBytes(): number {
    return this.session()?.outbound.frameBytes ?? PATH_BASE_BYTES - SESSION_OVERHEAD_BYTES;
  }
}
