/**
 * A binary heap of (vertex, cost), cheapest first. A vertex may be in it several times; the dearer entries are stale. Nothing is allocated
 * for an entry.
 */
export class CostHeap {
  private readonly vertices: number[] = [];
  private readonly costs: number[] = [];

  get isEmpty(): boolean {
    return this.costs.length === 0;
  }

  /** Of the entry that `take` gives next; not to be asked of an empty heap. */
  get leastCost(): number {
    return this.costs[0];
  }

  clear(): void {
    this.vertices.length = 0;
    this.costs.length = 0;
  }

  add(vertex: number, cost: number): void {
    const { vertices, costs } = this;
    let child = costs.length;
    vertices.push(vertex);
    costs.push(cost);
    while (child > 0) {
      const parent = (child - 1) >> 1;
      if (costs[parent] <= cost) break;
      vertices[child] = vertices[parent];
      costs[child] = costs[parent];
      child = parent;
    }
    vertices[child] = vertex;
    costs[child] = cost;
  }

  /** Removes the cheapest entry of a heap that is not empty, and returns its vertex. */
  take(): number {
    const { vertices, costs } = this;
    const cheapest = vertices[0];
    const vertex = vertices.pop()!;
    const cost = costs.pop()!;
    const count = costs.length;
    if (count === 0) return cheapest;
    let parent = 0;
    for (;;) {
      let child = 2 * parent + 1;
      if (child >= count) break;
      if (child + 1 < count && costs[child + 1] < costs[child]) child++;
      if (costs[child] >= cost) break;
      vertices[parent] = vertices[child];
      costs[parent] = costs[child];
      parent = child;
    }
    vertices[parent] = vertex;
    costs[parent] = cost;
    return cheapest;
  }
}
