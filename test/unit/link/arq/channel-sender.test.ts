import { describe, expect, test } from 'vitest';
import {
  CHANNEL_KEPT_BYTES_MAX,
  CHANNEL_KEPT_MESSAGES_MAX,
  ChannelSender,
} from '../../../../src/link/arq/channel-sender.ts';
import { NO_ROOM, NOTHING } from '../../../../src/link/frame-source.ts';
import { UNFINISHED_MESSAGES_MAX } from '../../../../src/link/protocol-numbers.ts';
import { CHANNEL_OVERHEAD_BYTES } from '../../../../src/wire/frames.ts';

const ROOM = 1_000 + CHANNEL_OVERHEAD_BYTES;

/** All that may leave now, as [token, message, offset, length, last]. */
function takeAll(sender: ChannelSender, room = ROOM): [number, number, number, number, boolean][] {
  const taken: [number, number, number, number, boolean][] = [];
  for (let token = sender.next(room); token >= 0; token = sender.next(room)) {
    const { message, offset, length, last } = sender.outgoing;
    taken.push([token, message, offset, length, last]);
  }
  return taken;
}

describe('messages to a channel', () => {
  test('are cut to the room, kept until all is acknowledged, and then forgotten', () => {
    const sender = new ChannelSender(128);
    const message = Uint8Array.from({ length: 2_500 }, (_, i) => i);
    expect(sender.add(3, message)).toBe(true);
    message.fill(0);
    const taken = takeAll(sender);
    expect(taken.map(([, ...rest]) => rest)).toEqual([
      [0, 0, 1_000, false],
      [0, 1_000, 1_000, false],
      [0, 2_000, 500, true],
    ]);
    expect([sender.outgoing.channel, sender.outgoing.bytes[2_001]]).toEqual([3, 2_001 % 256]);
    for (const [token] of taken) {
      expect(sender.heldBytes).toBe(2_500);
      sender.acked(token);
    }
    expect([sender.heldBytes, sender.next(ROOM)]).toEqual([0, NOTHING]);
  });

  test('that were lost come again before others, and not when they arrived after all', () => {
    const sender = new ChannelSender(128);
    for (let i = 0; i < 3; i++) sender.add(0, new Uint8Array(900));
    const [first, second] = [sender.next(ROOM), sender.next(ROOM)];
    sender.lost(second);
    sender.lost(first);
    sender.acked(second);
    expect(takeAll(sender).map(([, message]) => message)).toEqual([0, 2]);
    sender.lost(second);
    expect(sender.next(ROOM)).toBe(NOTHING);
  });

  test('are cut again when the path became narrower', () => {
    const sender = new ChannelSender(128);
    sender.add(0, new Uint8Array(1_000));
    const [[token]] = takeAll(sender);
    sender.lost(token);
    expect(sender.next(100)).toBe(NO_ROOM);
    const again = takeAll(sender, 400 + CHANNEL_OVERHEAD_BYTES);
    expect(again.map(([, ...rest]) => rest)).toEqual([
      [0, 0, 400, false],
      [0, 400, 400, false],
      [0, 800, 200, true],
    ]);
    sender.acked(token);
    expect(sender.heldBytes).toBe(1_000);
    for (const [part] of again) sender.acked(part);
    expect(sender.heldBytes).toBe(0);
  });

  test('do not fill the rest of a datagram with less than the smallest piece', () => {
    const sender = new ChannelSender(128);
    sender.add(0, new Uint8Array(500));
    expect(sender.next(127 + CHANNEL_OVERHEAD_BYTES)).toBe(NO_ROOM);
    expect(sender.next(128 + CHANNEL_OVERHEAD_BYTES)).toBeGreaterThanOrEqual(0);
    sender.add(0, new Uint8Array(20));
    expect(takeAll(sender).length).toBe(2);
  });

  test('in several pieces are eight under way at most', () => {
    const sender = new ChannelSender(128);
    for (let i = 0; i < UNFINISHED_MESSAGES_MAX + 1; i++) sender.add(0, new Uint8Array(1_500));
    const taken = takeAll(sender);
    expect(taken.length).toBe(2 * UNFINISHED_MESSAGES_MAX);
    sender.acked(taken[0][0]);
    expect(sender.next(ROOM)).toBe(NOTHING);
    sender.acked(taken[1][0]);
    expect(takeAll(sender).length).toBe(2);
  });

  test('are refused beyond 256 KiB or 1,024 of them', () => {
    const bytes = new ChannelSender(128);
    for (let kept = 0; kept < CHANNEL_KEPT_BYTES_MAX; kept += 32_768)
      expect(bytes.add(0, new Uint8Array(32_768))).toBe(true);
    expect(bytes.add(0, Uint8Array.of(1))).toBe(false);
    const count = new ChannelSender(128);
    for (let i = 0; i < CHANNEL_KEPT_MESSAGES_MAX; i++) expect(count.add(0, Uint8Array.of(1))).toBe(true);
    expect(count.add(0, Uint8Array.of(1))).toBe(false);
    count.acked(count.next(ROOM));
    expect(count.add(0, Uint8Array.of(1))).toBe(true);
  });
});
