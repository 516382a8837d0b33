/** The gateway as a service of this node: its sessions are the tunnel's clients. */
import type { ServiceKey } from '../base/ids.ts';
import type { SessionEvents } from '../bundle/session.ts';
import { markPacket } from '../tunnel/congestion-mark.ts';
import { TunnelGateway, type TunnelGatewayOptions } from '../tunnel/tunnel-gateway.ts';

export class GatewayService {
  readonly key: ServiceKey;
  readonly tunnel: TunnelGateway;
  readonly events: SessionEvents;

  constructor(key: ServiceKey, options: TunnelGatewayOptions) {
    this.key = key;
    const tunnel = new TunnelGateway(options);
    this.tunnel = tunnel;
    this.events = {
      opened: (session, now) => {
        if (!tunnel.clientOpened(session, now)) session.close('refused', now);
      },
      message: (session, bytes, now) => tunnel.clientMessage(session, bytes, now),
      mark: (_session, message) => markPacket(message),
      closed: (session, _reason, now) => tunnel.clientClosed(session, now),
    };
  }
}
