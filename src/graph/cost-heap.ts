/**
 * A binary heap of (vertex, cost), cheapest first. A vertex may be in it several times; the dearer entries are stale.
 */
export class CostHeap {
  private readonly vertices: number[] = [];
  private readonly costs: number[] = [];

  add(vertex: number, cost: number): void {
    const { vertices, costs } = this;
    let child = costs.length;
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

  /** The cheapest entry, or undefined when the heap is empty. */
  take(): { vertex: number; cost: number } | undefined {
    const { vertices, costs } = this;
    if (costs.length === 0) return undefined;
    const cheapest = { vertex: vertices[0], cost: costs[0] };
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
