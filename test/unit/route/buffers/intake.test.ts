import { describe, expect, it } from 'vitest';
import { BULK, REAL_TIME } from '../../../../src/base/traffic-class.ts';
import { Intake } from '../../../../src/route/buffers/intake.ts';
import { MAX_MESSAGE_BYTES, REAL_TIME_WAITING_BYTES } from '../../../../src/route/protocol-limits.ts';
import { ROUTE_TUNING } from '../../../../src/route/tuning.ts';

const { ownWaitingLeastBytes, ownWaitingMs } = ROUTE_TUNING;

/** A buffer that keeps what the test says. */
function intakeOf({ trafficClass = BULK as typeof BULK | typeof REAL_TIME, boundBytes = 200_000 } = {}) {
  const kept = { isEmpty: false, trafficClass, heldBytes: 0, waitingBytes: 0 };
  const intake = new Intake(kept, ROUTE_TUNING);
  intake.bound.bytes = boundBytes;
  return { kept, intake };
}

describe('what may be put in where a route begins', () => {
  it('is any message where nothing is kept', () => {
    const { kept, intake } = intakeOf({ boundBytes: 8_192 });
    kept.isEmpty = true;
    expect(intake.room).toBe(MAX_MESSAGE_BYTES);
  });

  it('is what the bound leaves, and no more than may wait', () => {
    const { kept, intake } = intakeOf();
    Object.assign(kept, { heldBytes: 50_000, waitingBytes: 1_000 });
    expect(intake.room).toBe(ownWaitingLeastBytes - 1_000);
    Object.assign(kept, { heldBytes: 198_000 });
    expect(intake.room).toBe(2_000);
    Object.assign(kept, { heldBytes: 250_000 });
    expect(intake.room).toBe(0);
  });

  it('is 4 ms of a fast route', () => {
    const { kept, intake } = intakeOf({ boundBytes: 1_000_000 });
    intake.bound.rateBytesPerMs = 12_500;
    Object.assign(kept, { heldBytes: 300_000, waitingBytes: 10_000 });
    expect(intake.room).toBe(ownWaitingMs * 12_500 - 10_000);
  });

  it('is a message longer than may wait, when nothing waits', () => {
    const { kept, intake } = intakeOf();
    Object.assign(kept, { heldBytes: 20_000, waitingBytes: 0 });
    expect(intake.room).toBe(180_000);
  });

  it('is bounded by what waits in Real Time', () => {
    const { kept, intake } = intakeOf({ trafficClass: REAL_TIME });
    Object.assign(kept, { heldBytes: 300_000, waitingBytes: 1_000 });
    expect(intake.room).toBe(REAL_TIME_WAITING_BYTES - 1_000);
  });

  it('is told once to who found too little, when half of what may wait has left', () => {
    const { kept, intake } = intakeOf();
    Object.assign(kept, { heldBytes: 30_000, waitingBytes: ownWaitingLeastBytes });
    intake.want();
    expect(intake.takeWanted()).toBe(false);
    kept.waitingBytes = ownWaitingLeastBytes / 2;
    expect(intake.takeWanted()).toBe(true);
    expect(intake.takeWanted()).toBe(false);
  });

  it('presses on the bound only where that is what stops it', () => {
    const { kept, intake } = intakeOf({ boundBytes: 100_000 });
    Object.assign(kept, { heldBytes: 30_000, waitingBytes: ownWaitingLeastBytes });
    intake.want();
    expect(intake.bound.pressed).toBe(false);
    kept.heldBytes = 99_000;
    intake.want();
    expect(intake.bound.pressed).toBe(true);
  });

  it('was granted though the bound has fallen since', () => {
    const { kept, intake } = intakeOf({ boundBytes: 26_000 });
    kept.heldBytes = 25_000;
    intake.put();
    intake.bound.bytes = 8_192;
    expect(intake.grantedBytes).toBe(26_000);
    Object.assign(kept, { heldBytes: 60_000 });
    intake.put();
    expect(intake.grantedBytes).toBe(60_000);
  });
});
