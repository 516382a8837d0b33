/**
 * The neighbours that routes go through. A neighbour has a port, the number by which the route table knows it, from
 * `linkUp` until the last of its routes is taken apart. A link that comes back gets a new port, so nothing said over
 * the new session can touch a route of the old one.
 */
import { assert } from '../base/assert.ts';
import type { LinkId } from '../base/ids.ts';
import { TokenBucket } from '../base/token-bucket.ts';
import type { LinkMeasures } from '../link/link-measures.ts';
import { LimitFrames } from './limit-frames.ts';
import { LinkScheduler } from './link-scheduler.ts';
import { ROUTE_UNKNOWN_PER_SECOND_AND_LINK, SETUPS_PER_SECOND_AND_LINK } from './protocol-limits.ts';
import { MAX_PORTS } from './route-table.ts';
import { Parking } from './set-up/parking.ts';
import { TransitShare } from './transit/transit-share.ts';
import type { RouteTuning } from './tuning.ts';

export interface Neighbour {
  readonly port: number;
  readonly link: LinkId;
  readonly setUps: TokenBucket;
  readonly unknowns: TokenBucket;
  readonly parking: Parking;
  readonly measures: LinkMeasures;
  readonly scheduler: LinkScheduler;
  /** CREDIT and BLOCKED frames that are due. */
  readonly limitFrames: LimitFrames;
  readonly transit: TransitShare;
  /** Halves of transit routes whose CREDIT waits for transit's share. */
  readonly heldCredits: number[];
  /** False from `linkDown` on. */
  up: boolean;
  /** Routes that this neighbour set up through or to this node. */
  routes: number;
  /** Bytes of pieces that came from it and are kept. */
  storedBytes: number;
}

export class Neighbours {
  private readonly tuning: RouteTuning;
  private readonly byPort: (Neighbour | undefined)[] = [];
  /** Those that are up, by link. */
  private readonly upByLink: (Neighbour | undefined)[] = [];
  private readonly freePorts: number[] = [];

  constructor(tuning: RouteTuning) {
    this.tuning = tuning;
  }

  /** Those that are up. */
  *all(): Iterable<Neighbour> {
    for (const neighbour of this.upByLink) if (neighbour !== undefined) yield neighbour;
  }

  add(link: LinkId, measures: LinkMeasures): Neighbour {
    assert(this.upByLink[link] === undefined, 'a link comes up once');
    const port = this.freePorts.pop() ?? this.byPort.length;
    assert(port < MAX_PORTS, 'fewer links than ports');
    const transit = new TransitShare(measures, this.tuning);
    const neighbour: Neighbour = {
      port,
      link,
      setUps: new TokenBucket(SETUPS_PER_SECOND_AND_LINK, SETUPS_PER_SECOND_AND_LINK),
      unknowns: new TokenBucket(ROUTE_UNKNOWN_PER_SECOND_AND_LINK, ROUTE_UNKNOWN_PER_SECOND_AND_LINK),
      parking: new Parking(this.tuning.parkedPieceOverheadBytes),
      measures,
      scheduler: new LinkScheduler(this.tuning, transit),
      limitFrames: new LimitFrames(),
      transit,
      heldCredits: [],
      up: true,
      routes: 0,
      storedBytes: 0,
    };
    this.byPort[port] = neighbour;
    this.upByLink[link] = neighbour;
    return neighbour;
  }

  /** Undefined when the link is not up. */
  ofLink(link: LinkId): Neighbour | undefined {
    return this.upByLink[link];
  }

  ofPort(port: number): Neighbour {
    const neighbour = this.byPort[port];
    assert(neighbour !== undefined, 'a half in the table has a neighbour');
    return neighbour;
  }

  /** The link is down; the port stays until `release`. */
  lose(neighbour: Neighbour): void {
    neighbour.up = false;
    this.upByLink[neighbour.link] = undefined;
  }

  /** None of its routes is left. */
  release(neighbour: Neighbour): void {
    assert(!neighbour.up && neighbour.routes === 0, 'the neighbour is gone');
    this.byPort[neighbour.port] = undefined;
    this.freePorts.push(neighbour.port);
  }
}
