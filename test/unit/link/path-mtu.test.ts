import { describe, expect, test } from 'vitest';
import { PathMtu } from '../../../src/link/path-mtu.ts';
import { routeId, sendMessage, sessionOf, type TestNode, WirePair } from './wire-pair.ts';

function download(world: WirePair, a: TestNode, b: TestNode, ms: number): void {
  for (let message = 0, end = world.now + ms; world.now < end; message++) {
    sendMessage(a, b, routeId(1), message, new Uint8Array(4_000));
    world.run(10);
  }
}

describe('path MTU probing', () => {
  test.each([
    [1_472, 1_472],
    [1_471, 1_440],
    [1_420, 1_408],
    [1_300, 1_280],
    [1_250, 1_200],
  ])('over a wire of %i bytes settles at %i', (wireBytes, found) => {
    const world = new WirePair();
    world.shape.mtuBytes = wireBytes;
    const { a, b } = world.upPair();
    world.run(2_000);
    expect(sessionOf(a, b, world.now).pathMtuBytes).toBe(found);
    expect(sessionOf(b, a, world.now).pathMtuBytes).toBe(found);
  });

  test('uses jumbo frames where the transport takes them', () => {
    const world = new WirePair();
    world.shape.mtuBytes = 8_972;
    const { a, b } = world.upPair({ maxDatagramBytes: 8_972 });
    world.run(1_000);
    expect(sessionOf(a, b, world.now).pathMtuBytes).toBe(8_944);
  });

  test('sends a size that is refused three times, and again after 10 minutes', () => {
    const world = new WirePair();
    world.shape.mtuBytes = 1_300;
    const { a, b } = world.upPair();
    world.run(5_000);
    const probes = () => world.seen.filter(({ from, bytes }) => from === a.name && bytes.length === 1_392).length;
    expect(probes()).toBe(3);
    world.run(590_000);
    expect(probes()).toBe(3);
    world.shape.mtuBytes = 1_472;
    world.run(12_000);
    expect(sessionOf(a, b, world.now).pathMtuBytes).toBe(1_472);
  });

  test('falls back within 4 s when the path shrinks under traffic, and finds the new size', () => {
    const world = new WirePair();
    const { a, b } = world.upPair();
    download(world, a, b, 3_000);
    expect(sessionOf(a, b, world.now).pathMtuBytes).toBe(1_472);
    world.shape.mtuBytes = 1_300;
    download(world, a, b, 4_000);
    expect(sessionOf(a, b, world.now).pathMtuBytes).toBeLessThanOrEqual(1_280);
    b.pieces.length = 0;
    download(world, a, b, 1_000);
    expect(b.pieces.length).toBeGreaterThan(100);
    expect(a.told.length).toBe(1);
  });

  test('does not mistake an outage for a small path', () => {
    const world = new WirePair();
    const { a, b } = world.upPair();
    download(world, a, b, 3_000);
    world.filter = () => false;
    download(world, a, b, 3_000);
    world.filter = ({ bytes }) => bytes[0] === 5;
    download(world, a, b, 1_000);
    expect(sessionOf(a, b, world.now).pathMtuBytes).toBe(1_472);
  });

  test('never grows above what the transport takes', () => {
    const path = new PathMtu({ transportBytes: 1_400, probeTimeoutMs: 250, confirmEveryMs: 2_000 }, 0);
    for (let now = 0; now < 100; now++) {
      const probe = path.wake(now, now, 10, 0);
      if (probe !== undefined) expect(path.acknowledge(probe.number, probe.bytes, now)).toBe(true);
    }
    expect(path.bytes).toBe(1_392);
    expect(path.acknowledge(99, 8_944, 100)).toBe(false);
  });

  test('refused while loss was not known, is searched again; not because the loss swings', () => {
    const path = new PathMtu({ transportBytes: 1_280, probeTimeoutMs: 250, confirmEveryMs: 2_000 }, 0);
    let now = 0;
    const probesIn = (ms: number, lossShare: number): number => {
      let probes = 0;
      for (const end = now + ms; now < end; now += 10) {
        if (path.wake(now, now, 10, lossShare) !== undefined) probes += 1;
      }
      return probes;
    };
    expect(probesIn(5_000, 0)).toBe(3);
    expect(probesIn(15_000, 0.5)).toBe(19);
    expect(probesIn(60_000, 0.52)).toBe(0);
  });
});
