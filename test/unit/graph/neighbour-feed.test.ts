/** What a neighbour is still to be told, by what it acknowledged. */
import { describe, expect, it } from 'vitest';
import type { KeyText, LinkId } from '../../../src/base/ids.ts';
import { SeededRandom } from '../../../src/base/seeded-random.ts';
import { NeighbourFeed } from '../../../src/graph/neighbour-feed.ts';
import { GRAPH_TUNING } from '../../../src/graph/tuning.ts';

const [PEER, A, B] = ['peer', 'a', 'b'] as KeyText[];
const LONG_MS = 60_000;

function feedOf(recordsUnderWay = 16): NeighbourFeed {
  const random = new SeededRandom(1, 'feed');
  return new NeighbourFeed(0 as LinkId, PEER, random, { ...GRAPH_TUNING, recordsUnderWay });
}

/** All that is still sent if nothing comes back. */
function leftOf(feed: NeighbourFeed): { key: KeyText; hopsLeft: number }[] {
  return feed.takeDue(LONG_MS);
}

describe('a feed', () => {
  it('is done with what was sent and acknowledged', () => {
    const feed = feedOf();
    feed.offer(A, 7, 3, true, 0);
    expect(feed.takeDue(0)).toEqual([{ key: A, hopsLeft: 3 }]);
    feed.acknowledged(A, 7);
    expect(leftOf(feed)).toEqual([]);
  });

  it('still sends what may go farther than the copy that was acknowledged', () => {
    const feed = feedOf();
    feed.offer(A, 7, 3, true, 0);
    feed.takeDue(0);
    feed.offer(A, 7, 5, true, 10);
    feed.acknowledged(A, 7);
    expect(leftOf(feed)).toEqual([{ key: A, hopsLeft: 5 }]);
  });

  it('drops what waits once the neighbour has a newer record', () => {
    const feed = feedOf(1);
    feed.offer(A, 7, 3, true, 0);
    feed.offer(B, 4, 3, true, 0);
    feed.takeDue(0);
    feed.acknowledged(B, 5);
    feed.acknowledged(A, 7);
    expect(leftOf(feed)).toEqual([]);
  });

  it('goes on repeating a record of which an older one was acknowledged', () => {
    const feed = feedOf();
    feed.offer(A, 7, 3, true, 0);
    feed.takeDue(0);
    feed.acknowledged(A, 6);
    expect(leftOf(feed)).toEqual([{ key: A, hopsLeft: 3 }]);
  });
});
