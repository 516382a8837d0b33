/**
 * What a gateway remembers of its clients' wishes: the treatment of a flow's answers, learnt from the packets of the client's that say one.
 * Forgotten when none has come for a minute.
 *
 * Flows are named by a hash with a secret key; of two that share a bucket the later one wins, and a wrong treatment
 * costs nobody a packet. Fixed memory; on the packet path, no allocation.
 */
import { TREATMENT, type Treatment } from '../wire/tunnel-message.ts';
import { TREATMENT_BUCKETS, TREATMENT_LIFE_MS } from './tuning.ts';

export class FlowTreatments {
  private readonly flows = new Uint32Array(TREATMENT_BUCKETS);
  private readonly treatments = new Uint8Array(TREATMENT_BUCKETS);
  private readonly notedAt = new Float64Array(TREATMENT_BUCKETS).fill(Number.NEGATIVE_INFINITY);

  /** `flow` is a 32-bit hash. */
  note(flow: number, treatment: Treatment, now: number): void {
    const at = flow % TREATMENT_BUCKETS;
    this.flows[at] = flow;
    this.treatments[at] = treatment;
    this.notedAt[at] = now;
  }

  of(flow: number, now: number): Treatment {
    const at = flow % TREATMENT_BUCKETS;
    const isKnown = this.flows[at] === flow && now - this.notedAt[at] <= TREATMENT_LIFE_MS;
    return isKnown ? (this.treatments[at] as Treatment) : TREATMENT.own;
  }
}
