/** A gateway as the system sees it: TUN, NAT, and the leases that outlive a restart. */
import type { Log } from '../base/env.ts';
import type { Config, GatewayConfig } from '../control/config.ts';
import { networkAddress, parseIpv4 } from '../control/ip-text.ts';
import type { GatewayOptions } from '../node/node-options.ts';
import type { Tun } from '../os/datapath.ts';
import { applyRuleset, gatewayRuleset } from '../os/firewall.ts';
import { GatewayNetwork, readOwnNetworks } from '../os/network.ts';
import { LineFile } from '../os/store.ts';
import type { Ipv4Prefix } from '../wire/ip.ts';

export class GatewaySide {
  readonly tun: Tun;
  private readonly config: GatewayConfig;
  private readonly realTime: Config['qos']['realTime'];
  private readonly mtuBytes: number;
  private readonly leases: LineFile;
  private readonly network: GatewayNetwork;
  private readonly gatewayAddress: number;
  private ownNetworks: readonly Ipv4Prefix[] = [];

  constructor(config: Config, tun: Tun, log: Log) {
    const gateway = config.gateway!;
    this.tun = tun;
    this.config = gateway;
    this.realTime = config.qos.realTime;
    this.mtuBytes = config.tunnel.mtuBytes;
    this.gatewayAddress = networkAddress(gateway.pool) + 1;
    this.leases = new LineFile(config.node.stateDir, 'leases', (error) =>
      log.write('error', 'leases-not-saved', { reason: error.message }),
    );
    this.network = new GatewayNetwork({
      tun: tun.name,
      uplink: gateway.uplink,
      pool: gateway.pool,
      gatewayAddress: this.gatewayAddress,
    });
  }

  /** @throws Failure config-invalid, system-tool, not-permitted */
  async start(): Promise<void> {
    const { config, tun, mtuBytes, gatewayAddress } = this;
    this.ownNetworks = await readOwnNetworks([tun.name, 'lo']);
    await applyRuleset(
      gatewayRuleset({
        tun: tun.name,
        uplink: config.uplink,
        pool: config.pool,
        gatewayAddress,
        mtuBytes,
        ownNetworks: this.ownNetworks,
        allow: config.allow,
        resolver: this.resolver,
      }),
    );
    await this.network.start(mtuBytes);
  }

  /**
   * The rules stay. Without them the kernel would forget which connection is whose, and answer the internet's next packet
   * of each with a reset: no connection would live through a restart.
   */
  async stop(): Promise<void> {
    await this.leases.flush();
    await this.network.stop();
  }

  /** For the node; after `start`. */
  get options(): GatewayOptions {
    const { config, realTime, tun, mtuBytes, leases, ownNetworks, resolver } = this;
    const { rateLimitBitsPerSecond } = config;
    return {
      pool: config.pool,
      resolver,
      mtuBytes,
      ownNetworks,
      allow: config.allow,
      tun,
      store: leases,
      realTime,
      advert: config.advert,
      limits: rateLimitBitsPerSecond === undefined ? {} : { clientBytesPerSecond: rateLimitBitsPerSecond / 8 },
    };
  }

  private get resolver(): number {
    return parseIpv4(this.config.dns)!;
  }
}
