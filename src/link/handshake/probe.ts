/**
 * Whether a node answers at an endpoint (docs/protocol.md section 9.5): INIT, and the RESPONSE that only who has its key can make. No FINAL
 * follows, so no link comes of it.
 *
 * Timer: the same INIT up to three times, half a second apart; half a second after the last it is given up. Bound: 8 at once.
 */
import { NEVER } from '../../base/env.ts';
import type { NodeKey } from '../../base/ids.ts';
import type { HandshakeDatagram } from '../../wire/handshake.ts';
import type { LinkContext } from '../context.ts';
import type { IndexAllocator } from '../index-table.ts';
import { type Opening, openHandshake, readResponse } from './opening.ts';

const TRIES = 3;
const TRY_EVERY_MS = 500;
const MAX_PROBES = 8;

export class Probe {
  readonly kind = 'probe';
  readonly opening: Opening;
  readonly endpoint: Uint8Array;
  readonly answered: (now: number) => void;
  tries = 0;
  nextAt = 0;

  constructor(
    context: LinkContext,
    indices: IndexAllocator,
    key: NodeKey,
    endpoint: Uint8Array,
    answered: (now: number) => void,
  ) {
    this.opening = openHandshake(context, indices, key, this);
    this.endpoint = endpoint.slice();
    this.answered = answered;
  }
}

export class Probes {
  private readonly context: LinkContext;
  private readonly indices: IndexAllocator;
  private readonly probes = new Set<Probe>();

  constructor(context: LinkContext, indices: IndexAllocator) {
    this.context = context;
    this.indices = indices;
  }

  /** Begins at the next `wake`. False: too many are under way. */
  begin(key: NodeKey, endpoint: Uint8Array, answered: (now: number) => void): boolean {
    if (this.probes.size >= MAX_PROBES) return false;
    this.probes.add(new Probe(this.context, this.indices, key, endpoint, answered));
    return true;
  }

  response(probe: Probe, datagram: HandshakeDatagram, now: number): void {
    const read = readResponse(probe.opening, datagram);
    if (read !== 'ok') return this.context.drops.count(read);
    this.end(probe);
    probe.answered(now);
  }

  wake(now: number): void {
    for (const probe of this.probes) {
      if (now < probe.nextAt) continue;
      if (probe.tries === TRIES) {
        this.end(probe);
        continue;
      }
      probe.tries += 1;
      probe.nextAt = now + TRY_EVERY_MS;
      this.context.arena.plain(probe.opening.init, probe.endpoint);
    }
  }

  nextWakeAt(): number {
    let at = NEVER;
    for (const { nextAt } of this.probes) at = Math.min(at, nextAt);
    return at;
  }

  stop(): void {
    for (const probe of this.probes) this.end(probe);
  }

  private end(probe: Probe): void {
    this.probes.delete(probe);
    this.indices.remove(probe.opening.localIndex);
    probe.opening.noise.wipe();
  }
}
