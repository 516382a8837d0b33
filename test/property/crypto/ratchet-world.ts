/**
 * Two ratchets with what a link or bundle keeps around them: the keys of the previous, current and next epoch, and a
 * wire that holds sealed datagrams until the test delivers, repeats or loses them. A datagram carries the key it was
 * sealed with instead of a ciphertext.
 */
import { expect } from 'vitest';
import { toHex } from '../../../src/base/bytes.ts';
import type { SecretKey } from '../../../src/base/ids.ts';
import type { Curve } from '../../../src/crypto/curve.ts';
import { sha256 } from '../../../src/crypto/hash.ts';
import { type EpochKeys, epochKeys, Ratchet, type RatchetRole } from '../../../src/crypto/ratchet.ts';

interface Datagram {
  readonly to: RatchetRole;
  readonly epoch: number;
  readonly key: string;
  readonly frame: 'data' | { readonly epoch: number; readonly ephemeral: Uint8Array };
}

class End {
  readonly ratchet: Ratchet;
  /** Previous, current and next epoch. */
  readonly live = new Map<number, EpochKeys>();

  constructor(ratchet: Ratchet, first: EpochKeys) {
    this.ratchet = ratchet;
    this.install(first);
  }

  install(keys: EpochKeys): void {
    this.live.set(keys.epoch, keys);
    this.live.delete(keys.epoch - 2);
  }

  get sendKey(): string {
    return toHex(this.live.get(this.ratchet.sendEpoch)!.sendKey);
  }

  opens(epoch: number, key: string): boolean {
    const keys = this.live.get(epoch);
    return keys !== undefined && toHex(keys.receiveKey) === key;
  }
}

export class RatchetWorld {
  readonly initiator: End;
  readonly responder: End;
  readonly wire: Datagram[] = [];
  /** Every sending key there ever was, of both directions. */
  readonly keysSeen = new Set<string>();
  private secrets = 0;

  constructor(curve: Curve) {
    const [chainingKey, initiatorKey, responderKey] = [1, 2, 3].map((byte) => new Uint8Array(32).fill(byte));
    const make = (role: RatchetRole) =>
      new End(
        new Ratchet({ curve, role, keys: { chainingKey, initiatorKey, responderKey } }),
        epochKeys(role, 0, initiatorKey, responderKey),
      );
    this.initiator = make('initiator');
    this.responder = make('responder');
  }

  offer(): void {
    this.send('responder', this.initiator.ratchet.begin(this.freshSecret()));
  }

  send(to: RatchetRole, frame: Datagram['frame'] = 'data'): void {
    const from = to === 'initiator' ? this.responder : this.initiator;
    this.wire.push({ to, epoch: from.ratchet.sendEpoch, key: from.sendKey, frame });
  }

  deliver(datagram: Datagram): void {
    const end = datagram.to === 'initiator' ? this.initiator : this.responder;
    if (!end.opens(datagram.epoch, datagram.key)) {
      // Only what lay on the wire for longer than a whole epoch may be lost to the ratchet.
      expect(datagram.epoch).toBeLessThan(end.ratchet.receiveEpoch - 1);
      return;
    }
    if (datagram.to === 'responder') this.atResponder(datagram);
    else if (datagram.frame !== 'data')
      this.install(end, end.ratchet.accept(datagram.frame.epoch, datagram.frame.ephemeral));
  }

  deliverAll(): void {
    while (this.wire.length > 0) this.deliver(this.wire.shift()!);
  }

  /** What is sent at this moment can be read at this moment, both ways, and no key serves twice. */
  check(): void {
    const { initiator, responder } = this;
    expect(responder.opens(initiator.ratchet.sendEpoch, initiator.sendKey)).toBe(true);
    expect(initiator.opens(responder.ratchet.sendEpoch, responder.sendKey)).toBe(true);
    expect(initiator.sendKey).not.toBe(responder.sendKey);
  }

  private atResponder(datagram: Datagram): void {
    const { ratchet } = this.responder;
    ratchet.confirm(datagram.epoch);
    if (datagram.frame === 'data') return;
    const { epoch, ephemeral } = datagram.frame;
    const answer = ratchet.answer(epoch, ephemeral, this.freshSecret());
    if (answer === undefined) return;
    this.install(this.responder, answer.keys);
    this.send('initiator', { epoch, ephemeral: answer.ephemeral });
  }

  private install(end: End, keys: EpochKeys | undefined): void {
    if (keys === undefined) return;
    end.install(keys);
    this.keysSeen.add(toHex(keys.sendKey));
  }

  private freshSecret(): SecretKey {
    return sha256(Uint8Array.of(this.secrets, this.secrets >> 8, this.secrets++ >> 16)) as SecretKey;
  }
}
