import { describe, expect, it } from 'vitest';
import { MAX_FLOOR_SPAN, NO_DATA, RouteFloor } from '../../../../src/bundle/routes/route-floor.ts';

describe('the floor of a route', () => {
  it('rises with what comes in order', () => {
    const floor = new RouteFloor();
    expect([floor.passed, floor.hasHoles]).toEqual([NO_DATA, false]);
    floor.note(0, NO_DATA);
    floor.note(1, 10);
    floor.note(2, 12);
    expect([floor.passed, floor.hasHoles]).toEqual([12, false]);
  });

  it('stays below a number that is missing until it comes or is lost', () => {
    const floor = new RouteFloor();
    for (const [number, sequence] of [
      [0, 5],
      [2, 7],
      [5, 9],
      [3, 8],
    ]) {
      floor.note(number, sequence);
    }
    expect([floor.passed, floor.hasHoles]).toEqual([5, true]);
    floor.note(1, 6);
    expect([floor.passed, floor.hasHoles]).toEqual([8, true]);
    floor.note(4, NO_DATA);
    expect([floor.passed, floor.hasHoles]).toEqual([9, false]);
  });

  it('does not fall for what goes out again with an old sequence', () => {
    const floor = new RouteFloor();
    floor.note(0, 100);
    floor.note(1, 3);
    expect(floor.passed).toBe(100);
  });

  it('takes no notice of numbers below', () => {
    const floor = new RouteFloor();
    floor.note(0, 1);
    floor.note(1, NO_DATA);
    floor.note(0, 50);
    floor.note(1, 60);
    expect([floor.passed, floor.hasHoles]).toEqual([1, false]);
  });

  it('grows over a long gap, and gives it up when it is too long', () => {
    const floor = new RouteFloor();
    for (let number = 1; number < MAX_FLOOR_SPAN; number++) floor.note(number, number);
    expect(floor.passed).toBe(NO_DATA);
    floor.note(MAX_FLOOR_SPAN, MAX_FLOOR_SPAN);
    expect([floor.passed, floor.hasHoles]).toEqual([MAX_FLOOR_SPAN, false]);
  });

  it('survives any leap, and numbers that go round', () => {
    const floor = new RouteFloor();
    floor.note(0x7fff_ffff, 3);
    expect(floor.passed).toBe(NO_DATA);
    for (const number of [0xbfff_ffff, 0xffff_fffe, 0xffff_ffff, 0, 1]) floor.note(number, 4);
    expect(floor.passed).toBe(4);
    for (let number = 2; number <= MAX_FLOOR_SPAN; number++) floor.note(number, 5);
    expect(floor.passed).toBe(5);
  });
});
