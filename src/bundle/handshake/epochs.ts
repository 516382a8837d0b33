/**
 * The key epochs of a session (docs/protocol.md sections 2.3 and 6.1). Messages are received under every epoch in the
 * table and sent under `sending`. Epoch 0 goes one way only, from client to service, and has one key.
 *
 * Timer: an epoch leaves the table, its keys wiped, 3 s after a later one took over (`retireBefore`), or later where
 * messages are longer under way.
 */
import { assert } from '../../base/assert.ts';
import { wipe } from '../../base/bytes.ts';
import { NEVER } from '../../base/env.ts';

/** docs/protocol.md section 2.3. */
export const OLD_EPOCH_MS = 3_000;
/** One a second, each kept while messages of the slowest route (round trips of 3 s) may come, and one ahead. */
export const MAX_EPOCHS = 16;

export interface Epoch {
  readonly epoch: number;
  /** 32 bytes; undefined in the direction that has no key. */
  readonly sendKey: Uint8Array | undefined;
  readonly receiveKey: Uint8Array | undefined;
}

interface Entry {
  readonly keys: Epoch;
  retireAt: number;
}

export class Epochs {
  private readonly entries: Entry[] = [];
  private sendingEpoch: Epoch | undefined;
  /** Called when an epoch left, before its keys are wiped. */
  private readonly retired: (epoch: number) => void;

  constructor(retired: (epoch: number) => void) {
    this.retired = retired;
  }

  /** Undefined while this side may not send at all. */
  get sending(): Epoch | undefined {
    return this.sendingEpoch;
  }

  /** The keys belong to the table from now on. Epochs are added in ascending order. */
  add(keys: Epoch): void {
    const newest = this.entries.at(-1);
    assert(newest === undefined || keys.epoch > newest.keys.epoch, 'epochs ascend');
    if (this.entries.length === MAX_EPOCHS) this.remove(0);
    this.entries.push({ keys, retireAt: NEVER });
  }

  sendUnder(epoch: number): void {
    const entry = this.entries.find(({ keys }) => keys.epoch === epoch);
    assert(entry?.keys.sendKey !== undefined, 'there is a key to send with');
    this.sendingEpoch = entry.keys;
  }

  /** The epoch whose number modulo 256 is this byte, if messages are received under it. */
  receiving(byte: number): Epoch | undefined {
    for (const { keys } of this.entries) {
      if ((keys.epoch & 0xff) === byte && keys.receiveKey !== undefined) return keys;
    }
    return undefined;
  }

  /** `epoch` took over now: those before it leave `keepMs` later, and 3 s at the soonest. */
  retireBefore(epoch: number, keepMs: number, now: number): void {
    const retireAt = now + Math.max(keepMs, OLD_EPOCH_MS);
    for (const entry of this.entries) {
      if (entry.keys.epoch < epoch) entry.retireAt = Math.min(entry.retireAt, retireAt);
    }
  }

  /** Lets go what has to; returns when to be called again. */
  wake(now: number): number {
    while (this.entries.length > 0 && this.entries[0].retireAt <= now) this.remove(0);
    return this.entries.length === 0 ? NEVER : this.entries[0].retireAt;
  }

  clear(): void {
    while (this.entries.length > 0) this.remove(0);
    this.sendingEpoch = undefined;
  }

  private remove(at: number): void {
    const [{ keys }] = this.entries.splice(at, 1);
    this.retired(keys.epoch);
    if (keys.sendKey !== undefined) wipe(keys.sendKey);
    if (keys.receiveKey !== undefined) wipe(keys.receiveKey);
  }
}
