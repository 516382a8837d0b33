/**
 * Leaving out the second cipher pass where it protects from nobody (docs/protocol.md section 6.3): on a route whose two ends are
 * neighbours all that one would seal for the other is sealed and authenticated by their link already. The client asks, under the
 * session's own keys, and names the neighbour over whose link its route begins; the service grants it if that is its own node. So a
 * neighbour that only passes the route on, whatever it pretends, gets nothing but sealed messages.
 *
 * The client sends bare messages once it has the answer, the service once the first has come: neither can be ahead of the other.
 */
import { equal } from '../../base/bytes.ts';
import type { NodeKey } from '../../base/ids.ts';
import type { BundleRoute } from '../routes/bundle-route.ts';
import type { PlaintextSender } from './plaintext-sender.ts';

export interface SingleSealOptions {
  readonly role: 'client' | 'service';
  /** Of this node. */
  readonly node: NodeKey;
  /** Client: whether its owner wants it. */
  readonly wanted: boolean;
  readonly sender: PlaintextSender;
}

export class SingleSeal {
  private readonly options: SingleSealOptions;

  constructor(options: SingleSealOptions) {
    this.options = options;
  }

  routeUp(route: BundleRoute, now: number): void {
    const { wanted, sender } = this.options;
    if (!wanted || route.path?.length !== 1) return;
    route.seal = 'asked';
    sender.neighbour(route, route.path[0], now);
  }

  /** NEIGHBOUR came. */
  asked(route: BundleRoute, node: Uint8Array, now: number): 'ok' | 'bundle-neighbour-wrong' {
    if (this.options.role === 'client' || !equal(node, this.options.node)) return 'bundle-neighbour-wrong';
    if (route.seal === 'end-to-end') route.seal = 'granted';
    this.options.sender.neighbourOk(route, now);
    return 'ok';
  }

  /** NEIGHBOUR_OK came. */
  granted(route: BundleRoute): 'ok' | 'bundle-neighbour-unexpected' {
    if (route.seal !== 'asked') return 'bundle-neighbour-unexpected';
    route.seal = 'link';
    return 'ok';
  }
}
