/**
 * Whether a call runs through this node: Real Time that is more than pings and questions to a resolver. Looked at every 2 s; what the routes carried
 * between two looks counts.
 */
import { REAL_TIME } from '../base/traffic-class.ts';
import type { Node } from '../node/node.ts';

const LOOK_EVERY_MS = 2_000;
/** 16 kb/s: a call has this and more in each direction. */
const CALL_BYTES_PER_MS = 2;
const MOST_ROUTES = 64;

export class CallWatch {
  private readonly timer: NodeJS.Timeout;
  private carriedBytes = 0;
  private isCall = false;

  constructor(node: Node) {
    this.timer = setInterval(() => this.look(node), LOOK_EVERY_MS);
  }

  get isCallRunning(): boolean {
    return this.isCall;
  }

  stop(): void {
    clearInterval(this.timer);
  }

  private look(node: Node): void {
    const rows = node.routes.rows(MOST_ROUTES).filter(({ trafficClass }) => trafficClass === REAL_TIME);
    const carriedBytes = rows.reduce((sum, { forwardedBytes }) => sum + forwardedBytes, 0);
    this.isCall = carriedBytes - this.carriedBytes >= CALL_BYTES_PER_MS * LOOK_EVERY_MS;
    this.carriedBytes = carriedBytes;
  }
}
