/** When a late route gets copies, and for how long. */
import { describe, expect, it } from 'vitest';
import {
  LONGEST_MS,
  NEVER_SOUNDED,
  PAUSE_MAX_MS,
  PAUSE_MIN_MS,
  type SoundedRoute,
  Sounding,
  WAIT_MS,
} from '../../../../src/bundle/routes/sounding.ts';

const LIMIT_MS = 210;
const TURN_MS = 20;

interface FakeRoute extends SoundedRoute {
  mayCarryBulk: boolean;
  deliveredBytes: number;
}

function route(settledMs: number, bytesPerMs = 100): FakeRoute {
  return {
    mayCarryBulk: true,
    timing: { settledMs },
    rate: { bytesPerMs },
    deliveredBytes: 0,
    soundedAt: NEVER_SOUNDED,
  };
}

class Trial {
  readonly sounding = new Sounding<FakeRoute>();
  readonly near = route(10);
  readonly live: FakeRoute[];
  limitMs = LIMIT_MS;
  waits = true;
  /** Of what the near route is known to carry. */
  share = 1;
  now = 0;

  constructor(...late: FakeRoute[]) {
    this.live = [this.near, ...late];
  }

  /** Turns of Bulk for so long; when the route that got copies changed, and to which. */
  run(ms: number): { at: number; route: FakeRoute | undefined }[] {
    const changes: { at: number; route: FakeRoute | undefined }[] = [];
    for (const end = this.now + ms; this.now < end; this.now += TURN_MS) {
      const before = this.sounding.route;
      this.sounding.turn(this.live, this.waits, this.limitMs, this.now);
      if (this.sounding.route !== before) changes.push({ at: this.now, route: this.sounding.route });
      this.near.deliveredBytes += this.share * this.near.rate.bytesPerMs * TURN_MS;
    }
    return changes;
  }
}

describe('a sounding', () => {
  it('begins when Bulk has waited on end, and lasts for eight round trips', () => {
    const late = route(300);
    const trial = new Trial(late);
    trial.waits = false;
    expect(trial.run(200)).toEqual([]);
    trial.waits = true;
    expect(trial.run(WAIT_MS - 20)).toEqual([]);
    trial.waits = false;
    trial.run(20);
    trial.waits = true;
    const begin = 200 + 2 * WAIT_MS;
    expect(trial.run(8_000)).toEqual([
      { at: begin, route: late },
      { at: begin + 2_400, route: undefined },
    ]);
  });

  it('of a very late route ends after six seconds', () => {
    const [, end] = new Trial(route(1_400)).run(10_000);
    expect(end.at).toBe(WAIT_MS + LONGEST_MS);
  });

  it('is for nothing within reach, nor for what may carry no Bulk', () => {
    const parked = route(600);
    parked.mayCarryBulk = false;
    expect(new Trial(route(200), parked).run(2_000)).toEqual([]);
  });

  it('ends when Bulk reaches the route, or the route goes', () => {
    const late = route(600);
    const trial = new Trial(late);
    trial.run(WAIT_MS + 900);
    trial.limitMs = 800;
    expect(trial.run(20)).toEqual([{ at: WAIT_MS + 900, route: undefined }]);
    trial.limitMs = LIMIT_MS;
    trial.run(PAUSE_MIN_MS);
    expect(trial.sounding.route).toBe(late);
    late.mayCarryBulk = false;
    trial.run(20);
    expect(trial.sounding.route).toBeUndefined();
  });

  it('ends after half a second where the near routes carry a third of what they did', () => {
    const trial = new Trial(route(600));
    trial.run(WAIT_MS + 20);
    trial.share = 0.33;
    expect(trial.run(1_000).map(({ at }) => at)).toEqual([WAIT_MS + 500]);
  });

  it('in vain makes the next pause twice as long, a day at most; one that succeeded makes it short again', () => {
    const trial = new Trial(route(300));
    let [, end] = trial.run(WAIT_MS + 2_500);
    for (let pauseMs = 2 * PAUSE_MIN_MS; ; pauseMs = Math.min(2 * pauseMs, PAUSE_MAX_MS)) {
      const dueAt = end.at + pauseMs;
      trial.now = dueAt - TURN_MS;
      let begin: typeof end;
      [begin, end] = trial.run(2_600);
      expect(begin.at).toBe(dueAt);
      if (pauseMs === PAUSE_MAX_MS) break;
    }
    trial.now += PAUSE_MAX_MS;
    trial.run(200);
    expect(trial.sounding.route).toBeDefined();
    trial.limitMs = 500;
    trial.run(20);
    trial.limitMs = LIMIT_MS;
    trial.now += PAUSE_MIN_MS;
    trial.run(200);
    expect(trial.sounding.route).toBeDefined();
  });

  it('expects a route that never had one for as long as Bulk waits for it', () => {
    const late = route(600);
    const trial = new Trial(late);
    trial.waits = false;
    trial.run(100);
    expect(trial.sounding.expected).toBeUndefined();
    trial.waits = true;
    trial.run(TURN_MS);
    expect(trial.sounding.expected).toBe(late);
    trial.run(WAIT_MS);
    expect(trial.sounding.route).toBe(late);
    expect(trial.sounding.expected).toBe(late);
    trial.run(5_000);
    expect(trial.sounding.route).toBeUndefined();
    expect(trial.sounding.expected).toBeUndefined();
  });

  it('expects no other route during a pause, and none that had one before', () => {
    const [first, second] = [route(300), route(600)];
    const trial = new Trial(first, second);
    trial.run(WAIT_MS + 2_500);
    expect(trial.sounding.expected).toBeUndefined();
    trial.now += 2 * PAUSE_MIN_MS;
    trial.waits = false;
    trial.run(TURN_MS);
    trial.waits = true;
    trial.run(TURN_MS);
    expect(trial.sounding.expected).toBe(second);
    second.soundedAt = trial.now;
    trial.run(TURN_MS);
    expect(trial.sounding.expected).toBeUndefined();
  });

  it('is for the fastest of the late routes first, then for each in turn', () => {
    const [a, b, c] = [route(500), route(300), route(900)];
    const trial = new Trial(a, b, c);
    const rounds: FakeRoute[] = [];
    while (rounds.length < 6) {
      for (const { route } of trial.run(10_000)) if (route !== undefined) rounds.push(route);
    }
    expect(rounds).toEqual([b, a, c, b, a, c]);
  });
});
