/** Whose turn it is at the next `drain`: everybody who asked for one, once each, in the order of asking. */

/** A turn may make others ready, and they get theirs in the same drain; so often for each that was ready at first. */
const TURNS_EACH = 8;

export interface Turn {
  /** Kept by the list. */
  isReady: boolean;
  drain(now: number): void;
}

export class ReadyList {
  private readonly ready: Turn[] = [];

  get isEmpty(): boolean {
    return this.ready.length === 0;
  }

  add(turn: Turn): void {
    if (turn.isReady) return;
    turn.isReady = true;
    this.ready.push(turn);
  }

  /** Gives everybody a turn. Those left over, when they keep each other ready, are first next time. */
  drain(now: number): void {
    const turns = TURNS_EACH * this.ready.length;
    let taken = 0;
    for (; taken < this.ready.length && taken < turns; taken++) {
      const turn = this.ready[taken];
      turn.isReady = false;
      turn.drain(now);
    }
    this.ready.splice(0, taken);
  }
}
