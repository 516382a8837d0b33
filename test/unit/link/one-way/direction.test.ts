import { describe, expect, it } from 'vitest';
import { Direction, type DirectionTask, type LinkDirection } from '../../../../src/link/one-way/direction.ts';

const PROBE_TIMEOUT_MS = 30;
const ROUND_TRIP_MS = 20;

/** A link as its direction machine sees it: what is sent is answered a round trip later, while its way works. */
class Scene {
  now = 10_000;
  isUp = true;
  directWorks = true;
  /** Whether the peer's datagrams come directly. */
  peerHeard = true;
  hasWayRound = true;
  readonly direction: Direction;
  readonly tasks: { readonly at: number; readonly task: DirectionTask }[] = [];
  private answers: { readonly at: number; readonly trial: boolean }[] = [];

  constructor(configured: LinkDirection = 'both') {
    this.direction = new Direction(configured);
  }

  /** Lets time pass in steps of 5 ms; sends something that asks for an answer every `askEveryMs`. */
  run(ms: number, askEveryMs: number): void {
    for (const until = this.now + ms; this.now < until; this.now += 5) {
      if (this.peerHeard) this.direction.heard(true, this.now);
      if (this.now % askEveryMs === 0) this.ask();
      for (const { at, trial } of this.answers.filter((answer) => answer.at <= this.now)) {
        if (trial) this.direction.trialAnswered(at);
        else this.direction.answered(at);
      }
      this.answers = this.answers.filter(({ at }) => at > this.now);
      while (this.direction.nextWakeAt(this.isUp) <= this.now && this.wake());
    }
  }

  times(task: DirectionTask): number[] {
    return this.tasks.filter((done) => done.task === task).map(({ at }) => at);
  }

  private wake(): boolean {
    const task = this.direction.wake(this.now, this.isUp, PROBE_TIMEOUT_MS);
    if (task === undefined) return false;
    this.tasks.push({ at: this.now, task });
    if (task === 'ping') this.ask();
    if (task === 'trial' && this.directWorks) this.answers.push({ at: this.now + ROUND_TRIP_MS, trial: true });
    if (task === 'seek' && this.hasWayRound) this.direction.found(this.now);
    return true;
  }

  private ask(): void {
    this.direction.asked(this.now);
    if (this.direction.isBack || this.directWorks) this.answers.push({ at: this.now + ROUND_TRIP_MS, trial: false });
  }
}

describe('a link that works in both directions', () => {
  it('needs nothing', () => {
    const scene = new Scene();
    scene.run(60_000, 100);
    expect(scene.tasks).toEqual([]);
    expect(scene.direction.effective).toBe('both');
    expect(scene.direction.nextWakeAt(true)).toBe(Number.POSITIVE_INFINITY);
  });

  it('is pinged in doubt, every 50 ms, and stays as it is when an answer comes', () => {
    const scene = new Scene();
    scene.directWorks = false;
    scene.run(800, 100);
    scene.directWorks = true;
    scene.run(2_000, 100);
    expect(scene.times('ping').slice(0, 3)).toEqual([10_300, 10_350, 10_400]);
    expect(scene.times('seek')).toEqual([]);
    expect(scene.direction.isBack).toBe(false);
  });

  it('is not taken for one-way when the peer is heard again after a cut of both directions', () => {
    const scene = new Scene();
    scene.run(1_000, 100);
    scene.directWorks = false;
    scene.peerHeard = false;
    scene.run(5_000, 100);
    scene.directWorks = true;
    scene.peerHeard = true;
    scene.run(2_000, 100);
    expect(scene.times('seek')).toEqual([]);
  });

  it('is taken for one-way when only the peer is heard again after a cut', () => {
    const scene = new Scene();
    scene.run(1_000, 100);
    scene.directWorks = false;
    scene.peerHeard = false;
    scene.run(5_000, 100);
    scene.peerHeard = true;
    scene.run(2_000, 100);
    expect(scene.times('seek')).toEqual([17_000]);
  });

  it('is not taken for one-way when the peer falls silent altogether', () => {
    const scene = new Scene();
    scene.directWorks = false;
    scene.run(400, 100);
    scene.peerHeard = false;
    scene.run(5_000, 100);
    expect(scene.times('seek')).toEqual([]);
  });

  it('is not taken for one-way by a few lost datagrams on a slow path', () => {
    const direction = new Direction('both');
    direction.asked(0);
    direction.heard(true, 900);
    // A probe timeout of 2 s: doubt begins then, and there are not enough lost datagrams before 6 s.
    expect(direction.wake(300, true, 2_000)).toBeUndefined();
    expect(direction.nextWakeAt(true)).toBe(2_000);
    direction.heard(true, 2_500);
    for (let at = 2_000; at < 6_000; at += 50) {
      expect(direction.wake(at, true, 2_000)).toBe('ping');
      direction.asked(at);
    }
    expect(direction.wake(6_000, true, 2_000)).toBe('seek');
  });
});

describe('a link whose peer does not hear us any more', () => {
  it('takes the back channel a second after the first unanswered datagram', () => {
    const scene = new Scene();
    scene.directWorks = false;
    scene.run(1_100, 20);
    expect(scene.direction.isBack).toBe(true);
    expect(scene.times('seek')).toEqual([11_000]);
    expect(scene.direction.effective).toBe('receive-only');
  });

  it('asks of its own when the peer asks again and again, or it would never know that its answers are lost', () => {
    const direction = new Direction('both');
    expect([0, 10_000, 20_000].map((at) => direction.askedByPeer(at))).toEqual([false, false, false]);
    expect(direction.askedByPeer(20_500)).toBe(true);
    direction.asked(20_500);
    expect(direction.askedByPeer(21_000)).toBe(false);
    direction.answered(21_010);
    expect(direction.askedByPeer(21_200)).toBe(false);
    expect(direction.askedByPeer(21_700)).toBe(true);
  });

  it('seeks a way round every second where there is none, and is direct again with the first answer', () => {
    const scene = new Scene();
    scene.directWorks = false;
    scene.hasWayRound = false;
    scene.run(4_500, 20);
    expect(scene.times('seek')).toEqual([11_000, 12_000, 13_000, 14_000]);
    scene.directWorks = true;
    scene.run(3_000, 20);
    expect(scene.times('seek').length).toBe(4);
    expect(scene.direction.effective).toBe('both');
  });

  it('tries the direct way after 1, 2, 4, 8 and 8 s, with four PINGs each time', () => {
    const scene = new Scene();
    scene.directWorks = false;
    scene.run(28_000, 20);
    const trials = scene.times('trial');
    const firsts = trials.filter((at, i) => i === 0 || at > trials[i - 1] + 100);
    expect(firsts.map((at) => Math.round((at - 11_000) / 1_000))).toEqual([1, 3, 7, 15, 24]);
    expect(trials.length).toBe(4 * firsts.length);
    expect(scene.direction.isBack).toBe(true);
  });

  it('is direct again as soon as a trial is answered twice', () => {
    const scene = new Scene();
    scene.directWorks = false;
    scene.run(1_500, 20);
    scene.directWorks = true;
    scene.run(600, 20);
    expect(scene.direction.isBack).toBe(false);
    expect(scene.times('trial').length).toBe(2);
    expect(scene.direction.effective).toBe('both');
  });

  it('is not won back by one lucky PING in a trial', () => {
    const direction = new Direction('both');
    direction.found(0);
    for (let round = 0; round < 3; round++) {
      const at = direction.nextWakeAt(true);
      for (let i = 0; i < 4; i++) expect(direction.wake(at + 50 * i, true, PROBE_TIMEOUT_MS)).toBe('trial');
      expect(direction.trialAnswered(at + 200)).toBe(false);
    }
    expect(direction.isBack).toBe(true);
  });

  it('is tried less and less often while it keeps failing soon after a trial', () => {
    const scene = new Scene();
    for (let i = 0; i < 3; i++) {
      scene.directWorks = false;
      scene.run(1_500, 20);
      scene.directWorks = true;
      while (scene.direction.isBack) scene.run(100, 20);
    }
    const trials = scene.times('trial');
    const seeks = scene.times('seek');
    const waits = seeks.map((seek) => Math.round((trials.find((at) => at > seek)! - seek) / 1_000));
    expect(waits).toEqual([1, 2, 4]);
    scene.run(25_000, 20);
    scene.directWorks = false;
    scene.run(2_500, 20);
    const lastSeek = scene.times('seek')[3];
    expect(scene.times('trial').find((at) => at > lastSeek)).toBe(lastSeek + 1_000);
  });
});

describe('a link that is down', () => {
  it('takes the back channel when the peer keeps knocking and hears no answer', () => {
    const direction = new Direction('both');
    for (const at of [0, 250, 750]) direction.begged(at);
    expect(direction.wake(750, false, 200)).toBeUndefined();
    direction.begged(1_750);
    expect(direction.wake(1_750, false, 200)).toBe('seek');
    direction.found(1_750);
    expect(direction.isBack).toBe(true);
  });

  it('does not when an answer arrived in between, or the knocks belong to different troubles', () => {
    const direction = new Direction('both');
    for (const at of [0, 250, 750]) direction.begged(at);
    direction.answered(800);
    for (const at of [1_750, 14_000, 27_000]) direction.begged(at);
    expect(direction.wake(30_000, false, 200)).toBeUndefined();
  });

  it('forgets after 30 s what it knew of the direction, and is not tried before', () => {
    const scene = new Scene();
    scene.directWorks = false;
    scene.run(1_500, 20);
    scene.isUp = false;
    scene.direction.down(scene.now);
    const downAt = scene.now;
    scene.run(29_000, Number.POSITIVE_INFINITY);
    expect(scene.direction.isBack).toBe(true);
    scene.run(1_100, Number.POSITIVE_INFINITY);
    expect(scene.direction.isBack).toBe(false);
    expect(scene.times('trial').filter((at) => at >= downAt)).toEqual([]);
  });

  it('keeps what it knows when it comes up in time', () => {
    const direction = new Direction('both');
    direction.found(0);
    direction.down(10_000);
    direction.up();
    expect(direction.wake(50_000, true, 100)).toBe('trial');
    expect(direction.isBack).toBe(true);
  });
});

describe('a configured direction', () => {
  it('send-only never takes a back channel', () => {
    const scene = new Scene('send-only');
    scene.directWorks = false;
    scene.run(10_000, 20);
    scene.direction.begged(scene.now);
    expect(scene.tasks).toEqual([]);
    expect(scene.direction.mayBeDirect).toBe(true);
    expect(scene.direction.effective).toBe('send-only');
  });

  it('receive-only asks for a back channel at once, until there is one, and never tries the direct way', () => {
    const scene = new Scene('receive-only');
    scene.isUp = false;
    scene.hasWayRound = false;
    scene.run(2_500, Number.POSITIVE_INFINITY);
    expect(scene.times('seek')).toEqual([10_000, 11_000, 12_000]);
    scene.hasWayRound = true;
    scene.run(1_000, Number.POSITIVE_INFINITY);
    scene.isUp = true;
    scene.run(60_000, 20);
    expect(scene.direction.isBack).toBe(true);
    expect(scene.direction.mayBeDirect).toBe(false);
    expect(scene.times('trial')).toEqual([]);
    scene.direction.down(scene.now);
    scene.run(60_000, Number.POSITIVE_INFINITY);
    expect(scene.direction.isBack).toBe(true);
  });
});

describe('the end that hears the other through the back channel', () => {
  it('knows that it only sends on this link, and goes on sending directly', () => {
    const direction = new Direction('both');
    const heard = (directly: boolean, times: number): boolean[] =>
      Array.from({ length: times }, (_, i) => direction.heard(directly, 100 + i));
    expect(heard(true, 20).some(Boolean)).toBe(false);
    expect(heard(false, 8)).toEqual([false, false, false, false, false, false, false, true]);
    expect(direction.effective).toBe('send-only');
    expect(direction.isBack).toBe(false);
    // A trial.
    expect([...heard(true, 4), ...heard(false, 1), ...heard(true, 4)].some(Boolean)).toBe(false);
    expect(direction.effective).toBe('send-only');
    expect(heard(true, 4).filter(Boolean).length).toBe(1);
    expect(direction.effective).toBe('both');
  });

  it('knows from the first datagram when it was never heard otherwise', () => {
    const direction = new Direction('both');
    expect(direction.heard(false, 0)).toBe(false);
    expect(direction.effective).toBe('send-only');
  });
});
