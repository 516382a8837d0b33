import { describe, expect, it } from 'vitest';
import { NEVER } from '../../../../src/base/env.ts';
import { Epochs, MAX_EPOCHS, OLD_EPOCH_MS } from '../../../../src/bundle/handshake/epochs.ts';
import { RouteKeys } from '../../../../src/bundle/handshake/route-keys.ts';
import { type Cipher, JOB_WORDS } from '../../../../src/crypto/cipher.ts';
import { createNodeCipher } from '../../../../src/crypto/node-cipher.ts';

function keysOf(epoch: number) {
  return { epoch, sendKey: new Uint8Array(32).fill(epoch + 1), receiveKey: new Uint8Array(32).fill(epoch + 101) };
}

describe('epochs', () => {
  it('are found by their number modulo 256, in the direction that has a key', () => {
    const epochs = new Epochs(() => {});
    epochs.add({ epoch: 255, sendKey: new Uint8Array(32), receiveKey: undefined });
    epochs.add(keysOf(256));
    expect(epochs.receiving(255)).toBeUndefined();
    expect(epochs.receiving(0)?.epoch).toBe(256);
    expect(epochs.receiving(1)).toBeUndefined();
  });

  it('leave with their keys wiped 3 s after a later one took over', () => {
    const retired: number[] = [];
    const epochs = new Epochs((epoch) => retired.push(epoch));
    const old = keysOf(1);
    epochs.add(old);
    epochs.add(keysOf(2));
    expect(epochs.wake(0)).toBe(NEVER);
    epochs.retireBefore(2, 0, 1_000);
    expect(epochs.wake(1_000)).toBe(1_000 + OLD_EPOCH_MS);
    expect(epochs.receiving(1)?.epoch).toBe(1);
    epochs.wake(1_000 + OLD_EPOCH_MS);
    expect(epochs.receiving(1)).toBeUndefined();
    expect(retired).toEqual([1]);
    expect(old.sendKey.every((byte) => byte === 0)).toBe(true);
    expect(old.receiveKey.every((byte) => byte === 0)).toBe(true);
  });

  it('stay for as long as messages are under way', () => {
    const epochs = new Epochs(() => {});
    epochs.add(keysOf(1));
    epochs.add(keysOf(2));
    epochs.retireBefore(2, 8_000, 1_000);
    expect(epochs.wake(8_999)).toBe(9_000);
    expect(epochs.receiving(1)?.epoch).toBe(1);
  });

  it('are no more than 16 at once', () => {
    const epochs = new Epochs(() => {});
    for (let epoch = 1; epoch <= MAX_EPOCHS + 1; epoch++) epochs.add(keysOf(epoch));
    expect(epochs.receiving(1)).toBeUndefined();
    expect(epochs.receiving(2)?.epoch).toBe(2);
  });
});

function sealed(cipher: Cipher, slot: number): Uint8Array {
  const arena = new Uint8Array(32);
  const job = new Uint32Array(JOB_WORDS);
  job.set([slot, 0, 0, 0, 8, 8]);
  cipher.sealBatch(arena, job, 1);
  return arena;
}

describe('route keys', () => {
  it('differ by route, epoch and direction', () => {
    const cipher = createNodeCipher();
    const texts = [0, 1].flatMap((index) => {
      const keys = new RouteKeys(cipher, index);
      return [1, 2].flatMap((epoch) => [
        sealed(cipher, keys.sendSlot(keysOf(epoch))).join(),
        sealed(cipher, keys.receiveSlot(keysOf(epoch))).join(),
      ]);
    });
    expect(new Set(texts).size).toBe(8);
  });

  it('give their slots back', () => {
    const cipher = createNodeCipher();
    const keys = new RouteKeys(cipher, 7);
    const slots = [1, 2, 3].map((epoch) => keys.sendSlot(keysOf(epoch)));
    expect(keys.sendSlot(keysOf(1))).toBe(slots[0]);
    keys.forget(1);
    expect(() => sealed(cipher, slots[0])).toThrow('slot in use');
    keys.clear();
    expect(() => sealed(cipher, slots[2])).toThrow('slot in use');
  });
});
