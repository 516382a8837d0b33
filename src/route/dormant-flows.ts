/**
 * What a route has to remember while nothing passes: sequences, totals and limits of its two directions, in columns of typed
 * arrays by half, so that 100,000 idle routes take 40 bytes a direction and no objects (docs/protocol.md section 3.3).
 */

import { NEW_ROOM, type RoomMemory } from './buffers/room.ts';
import { type BufferMemory, NEW_BUFFER } from './buffers/route-buffer.ts';

interface Columns {
  readonly sequences: Uint32Array;
  readonly sent: Float64Array;
  readonly bufferLimits: Float64Array;
  readonly bases: Uint32Array;
  readonly received: Float64Array;
  readonly roomLimits: Float64Array;
}

function createColumns(halves: number): Columns {
  return {
    sequences: new Uint32Array(halves),
    sent: new Float64Array(halves),
    bufferLimits: new Float64Array(halves),
    bases: new Uint32Array(halves),
    received: new Float64Array(halves),
    roomLimits: new Float64Array(halves),
  };
}

export class DormantFlows {
  private columns = createColumns(0);

  get memoryBytes(): number {
    return Object.values(this.columns).reduce((sum, column) => sum + column.byteLength, 0);
  }

  /** Both halves of a slot are those of a new route. `slots`: how many the table has room for. */
  begin(slot: number, slots: number): void {
    if (2 * slots > this.columns.sequences.length) this.grow(2 * slots);
    for (const half of [2 * slot, 2 * slot + 1]) {
      this.keepBuffer(half, NEW_BUFFER);
      this.keepRoom(half, NEW_ROOM);
    }
  }

  keepBuffer(half: number, { sequence, sent, limit }: BufferMemory): void {
    this.columns.sequences[half] = sequence;
    this.columns.sent[half] = sent;
    this.columns.bufferLimits[half] = limit;
  }

  bufferOf(half: number): BufferMemory {
    const { sequences, sent, bufferLimits } = this.columns;
    return { sequence: sequences[half], sent: sent[half], limit: bufferLimits[half] };
  }

  keepRoom(half: number, { base, received, limit }: RoomMemory): void {
    this.columns.bases[half] = base;
    this.columns.received[half] = received;
    this.columns.roomLimits[half] = limit;
  }

  roomOf(half: number): RoomMemory {
    const { bases, received, roomLimits } = this.columns;
    return { base: bases[half], received: received[half], limit: roomLimits[half] };
  }

  private grow(halves: number): void {
    const old = this.columns;
    const grown = createColumns(halves);
    grown.sequences.set(old.sequences);
    grown.sent.set(old.sent);
    grown.bufferLimits.set(old.bufferLimits);
    grown.bases.set(old.bases);
    grown.received.set(old.received);
    grown.roomLimits.set(old.roomLimits);
    this.columns = grown;
  }
}
