/**
 * The cipher slots of one route: each epoch and direction has a key of its own on each route,
 * `HKDF1(key of direction and epoch, route index)` (docs/protocol.md section 6.2), derived when it is first needed.
 */
import { wipe, writeU16 } from '../../base/bytes.ts';
import type { Cipher } from '../../crypto/cipher.ts';
import { hkdf } from '../../crypto/hash.ts';
import type { Epoch } from './epochs.ts';

interface Slots {
  readonly epoch: number;
  send: number;
  receive: number;
}

const NONE = -1;

export class RouteKeys {
  private readonly cipher: Cipher;
  private readonly index = new Uint8Array(2);
  /** Newest first: it is asked for most. */
  private readonly slots: Slots[] = [];

  constructor(cipher: Cipher, routeIndex: number) {
    this.cipher = cipher;
    writeU16(this.index, 0, routeIndex);
  }

  /** The slot to seal with; the epoch has a sending key. */
  sendSlot(keys: Epoch): number {
    const slots = this.slotsOf(keys.epoch);
    if (slots.send === NONE) slots.send = this.derive(keys.sendKey!);
    return slots.send;
  }

  /** The slot to open with; the epoch has a receiving key. */
  receiveSlot(keys: Epoch): number {
    const slots = this.slotsOf(keys.epoch);
    if (slots.receive === NONE) slots.receive = this.derive(keys.receiveKey!);
    return slots.receive;
  }

  forget(epoch: number): void {
    const at = this.slots.findIndex((slots) => slots.epoch === epoch);
    if (at < 0) return;
    const [slots] = this.slots.splice(at, 1);
    this.remove(slots);
  }

  clear(): void {
    for (const slots of this.slots) this.remove(slots);
    this.slots.length = 0;
  }

  private slotsOf(epoch: number): Slots {
    for (const slots of this.slots) if (slots.epoch === epoch) return slots;
    const slots = { epoch, send: NONE, receive: NONE };
    this.slots.unshift(slots);
    return slots;
  }

  private derive(key: Uint8Array): number {
    const [routeKey] = hkdf(key, this.index, 1);
    const slot = this.cipher.addKey(routeKey);
    wipe(routeKey);
    return slot;
  }

  private remove(slots: Slots): void {
    if (slots.send !== NONE) this.cipher.removeKey(slots.send);
    if (slots.receive !== NONE) this.cipher.removeKey(slots.receive);
  }
}
