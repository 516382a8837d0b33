/** Binary heap of timed events. Equal times keep the order in which they were added, so a run is reproducible. */
interface Event {
  readonly at: number;
  readonly order: number;
  readonly run: () => void;
}

export class EventHeap {
  private readonly events: Event[] = [];
  private added = 0;

  get size(): number {
    return this.events.length;
  }

  add(at: number, run: () => void): void {
    const event = { at, order: this.added++, run };
    let child = this.events.length;
    this.events.push(event);
    while (child > 0) {
      const parent = (child - 1) >> 1;
      if (!before(event, this.events[parent])) break;
      this.events[child] = this.events[parent];
      child = parent;
    }
    this.events[child] = event;
  }

  nextAt(): number {
    return this.events.length === 0 ? Number.POSITIVE_INFINITY : this.events[0].at;
  }

  take(): Event {
    const first = this.events[0];
    const last = this.events.pop();
    if (last === undefined) throw new Error('the event heap is empty');
    if (this.events.length === 0) return first;
    let parent = 0;
    for (;;) {
      let child = 2 * parent + 1;
      if (child >= this.events.length) break;
      if (child + 1 < this.events.length && before(this.events[child + 1], this.events[child])) child++;
      if (!before(this.events[child], last)) break;
      this.events[parent] = this.events[child];
      parent = child;
    }
    this.events[parent] = last;
    return first;
  }
}

function before(a: Event, b: Event): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}
