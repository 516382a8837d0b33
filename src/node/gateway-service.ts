/** The gateway as a service of this node: its sessions are the tunnel's clients; what it says of itself stands in the node's record. */
import type { ServiceKey } from '../base/ids.ts';
import type { SessionEvents } from '../bundle/session.ts';
import { tellCongestion } from '../tunnel/congestion-mark.ts';
import { TunnelGateway, type TunnelGatewayOptions } from '../tunnel/tunnel-gateway.ts';
import { type GatewayAdvert, NO_ADVERT } from '../wire/gateway-advert.ts';
import { GatewayLoad } from './gateway-load.ts';

export interface GatewayServiceOptions extends TunnelGatewayOptions {
  /** What the operator tells others of it; nothing when missing. */
  readonly advert?: Omit<GatewayAdvert, 'load'> | undefined;
}

export class GatewayService {
  readonly key: ServiceKey;
  readonly tunnel: TunnelGateway;
  readonly events: SessionEvents;
  private readonly told: Omit<GatewayAdvert, 'load'>;
  private readonly load: GatewayLoad;

  constructor(key: ServiceKey, options: GatewayServiceOptions) {
    this.key = key;
    this.told = options.advert ?? NO_ADVERT;
    this.load = new GatewayLoad(this.told.rateKbps);
    const tunnel = new TunnelGateway(options);
    this.tunnel = tunnel;
    this.events = {
      opened: (session, now) => {
        if (!tunnel.clientOpened(session, now)) session.close('refused', now);
      },
      message: (session, bytes, now) => tunnel.clientMessage(session, bytes, now),
      mark: (_session, message) => tellCongestion(message),
      closed: (session, _reason, now) => tunnel.clientClosed(session, now),
    };
  }

  /** What the node's record says of it. */
  advert(now: number): GatewayAdvert {
    const { poolSize, leases, bytesUp, bytesDown } = this.tunnel.status();
    return { ...this.told, load: this.load.note({ leasedShare: leases / poolSize, bytesUp, bytesDown }, now) };
  }
}
