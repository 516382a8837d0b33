/** What all parts of a link layer share: what it was given, and the arena that they all send through. */
import type { Drops } from '../base/drops.ts';
import type { Log, RandomSource } from '../base/env.ts';
import { randomBytes } from '../base/env.ts';
import type { SecretKey } from '../base/ids.ts';
import type { Cipher } from '../crypto/cipher.ts';
import type { Curve } from '../crypto/curve.ts';
import type { Identity } from '../crypto/identity.ts';
import type { FrameSource } from './frame-source.ts';
import type { BackChannelPort } from './one-way/back-channel-port.ts';
import type { ReadyList } from './ready-list.ts';
import type { SendArena } from './send-arena.ts';
import type { LinkTuning } from './tuning.ts';

export interface LinkContext {
  readonly identity: Identity;
  readonly curve: Curve;
  readonly cipher: Cipher;
  readonly random: RandomSource;
  readonly drops: Drops;
  readonly log: Log;
  readonly tuning: LinkTuning;
  readonly arena: SendArena;
  readonly backChannels: BackChannelPort;
  /** Who has something to put into the arena at the next drain. */
  readonly ready: ReadyList;
  /** The time of the call that is being dealt with. */
  readonly clock: { now: number };
  readonly source: () => FrameSource;
  /** Largest UDP payload that the transport takes. */
  readonly transportBytes: number;
}

/** A fresh ephemeral secret. */
export function ephemeralSecret(context: Pick<LinkContext, 'curve' | 'random'>): SecretKey {
  for (;;) {
    const bytes = randomBytes(context.random, 32);
    // One draw in 2^128 is no scalar.
    if (context.curve.isSecret(bytes)) return bytes;
  }
}
