import { expect, test } from 'vitest';
import { LossMeter } from '../../../../src/link/arq/loss-meter.ts';

test('loss is unknown at first, then the share of a period, then smoothed', () => {
  const meter = new LossMeter(0);
  for (let i = 0; i < 63; i++) i % 2 === 0 ? meter.onLost(1) : meter.onAcked(1);
  expect(meter.share).toBeUndefined();
  meter.onAcked(1);
  expect(meter.share).toBe(0.5);
  for (let i = 0; i < 64; i++) meter.onAcked(2);
  expect(meter.share).toBe(0.375);
});

test('a period ends after a second, too, unless it says too little', () => {
  const meter = new LossMeter(0);
  for (let i = 0; i < 7; i++) meter.onLost(10);
  meter.onLost(999);
  expect(meter.share).toBeUndefined();
  meter.onAcked(1_000);
  expect(meter.share).toBeCloseTo(8 / 9);
  for (let i = 0; i < 7; i++) meter.onAcked(3_000);
  expect(meter.share).toBeCloseTo(8 / 9);
});

test('what arrived after all was not lost, also when its period is over', () => {
  const meter = new LossMeter(0);
  for (let i = 0; i < 32; i++) meter.onLost(0);
  for (let i = 0; i < 16; i++) meter.onLate(0);
  for (let i = 0; i < 32; i++) meter.onAcked(0);
  expect(meter.share).toBe(0.25);
  for (let i = 0; i < 8; i++) meter.onLate(0);
  for (let i = 0; i < 64; i++) meter.onAcked(0);
  expect(meter.share).toBe(0.1875);
  for (let i = 0; i < 16; i++) meter.onLost(0);
  for (let i = 0; i < 72; i++) meter.onAcked(0);
  expect(meter.share).toBeLessThan(0.2);
});

test('nothing is known of another path', () => {
  const meter = new LossMeter(0);
  for (let i = 0; i < 64 + 40; i++) meter.onLost(1);
  meter.restart();
  expect(meter.share).toBeUndefined();
  for (let i = 0; i < 64; i++) meter.onAcked(2);
  expect(meter.share).toBe(0);
});
