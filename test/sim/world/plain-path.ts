/** Packets over wires in a row with routers that only forward: what the internet protocol does on its own. */
import type { SeededRandom } from '../../../src/base/seeded-random.ts';
import { CLEAN_WIRE, Wire, type WireShape } from './wire.ts';

/** What a path needs of a world: the time, and to be called later. */
interface Timeline {
  readonly now: number;
  at(time: number, run: () => void): void;
}

export class PlainPath {
  /** What comes out at an end: 0 the first, 1 the last. */
  onPacket: (end: 0 | 1, packet: Uint8Array) => void = () => {};
  private readonly timeline: Timeline;
  private readonly wires: readonly Wire[];

  constructor(timeline: Timeline, shapes: readonly Partial<WireShape>[], random: (name: string) => SeededRandom) {
    this.timeline = timeline;
    this.wires = shapes.map((shape, i) => new Wire(i, [i, i + 1], { ...CLEAN_WIRE, ...shape }, random(`plain ${i}`)));
  }

  /** A packet enters at an end; it is copied. */
  send(end: 0 | 1, packet: Uint8Array): void {
    this.forward(end === 0 ? 0 : this.wires.length, end === 0 ? 1 : -1, packet.slice());
  }

  private forward(at: number, step: 1 | -1, packet: Uint8Array): void {
    const wire = this.wires[step === 1 ? at : at - 1];
    if (wire === undefined) return this.onPacket(step === 1 ? 1 : 0, packet);
    for (const time of wire.arrivals(at, packet.length, this.timeline.now)) {
      this.timeline.at(time, () => this.forward(at + step, step, packet));
    }
  }
}
