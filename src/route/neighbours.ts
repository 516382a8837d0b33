/**
 * The neighbours that routes go through. A neighbour has a port, the number by which the route table knows it, from
 * `linkUp` until the last of its routes is taken apart. A link that comes back gets a new port, so nothing said over
 * the new session can touch a route of the old one.
 */
import { assert } from '../base/assert.ts';
import type { LinkId } from '../base/ids.ts';
import { TokenBucket } from '../base/token-bucket.ts';
import { Parking } from './parking.ts';
import { ROUTE_UNKNOWN_PER_SECOND_AND_LINK, SETUPS_PER_SECOND_AND_LINK } from './protocol-limits.ts';
import { MAX_PORTS } from './route-table.ts';

export interface Neighbour {
  readonly port: number;
  readonly link: LinkId;
  readonly setUps: TokenBucket;
  readonly unknowns: TokenBucket;
  readonly parking: Parking;
  /** False from `linkDown` on. */
  up: boolean;
  /** Routes that this neighbour set up through or to this node. */
  routes: number;
}

export class Neighbours {
  private readonly pieceOverheadBytes: number;
  private readonly byPort: (Neighbour | undefined)[] = [];
  /** Those that are up, by link. */
  private readonly upByLink: (Neighbour | undefined)[] = [];
  private readonly freePorts: number[] = [];

  constructor(pieceOverheadBytes: number) {
    this.pieceOverheadBytes = pieceOverheadBytes;
  }

  add(link: LinkId): Neighbour {
    assert(this.upByLink[link] === undefined, 'a link comes up once');
    const port = this.freePorts.pop() ?? this.byPort.length;
    assert(port < MAX_PORTS, 'fewer links than ports');
    const neighbour: Neighbour = {
      port,
      link,
      setUps: new TokenBucket(SETUPS_PER_SECOND_AND_LINK, SETUPS_PER_SECOND_AND_LINK),
      unknowns: new TokenBucket(ROUTE_UNKNOWN_PER_SECOND_AND_LINK, ROUTE_UNKNOWN_PER_SECOND_AND_LINK),
      parking: new Parking(this.pieceOverheadBytes),
      up: true,
      routes: 0,
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
