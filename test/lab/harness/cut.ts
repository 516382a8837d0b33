/** The ways in which a route of the demo network dies. */
import type { DemoNetwork } from './demo-topology.ts';
import type { Host } from './lab.ts';

export interface Cut {
  cut(network: DemoNetwork): Promise<void>;
  mend(network: DemoNetwork): Promise<void>;
}

type Place = (network: DemoNetwork) => Host;

/** The cable is pulled: both ends lose the carrier. */
export const pulled = (host: Place, device: string): Cut => ({
  cut: async (network) => host(network).setLink(device, 'down'),
  mend: async (network) => host(network).setLink(device, 'up'),
});

/** Everything that comes in or goes out over the device vanishes without a word to anybody. */
export const silent = (host: Place, device: string): Cut => ({
  cut: async (network) =>
    void host(network).run(
      'nft',
      `table netdev swallow {
         chain in { type filter hook ingress device "${device}" priority 0; policy drop; }
         chain out { type filter hook egress device "${device}" priority 0; policy drop; }
       }`,
    ),
  mend: async (network) => void host(network).run('nft', 'delete', 'table', 'netdev', 'swallow'),
});
