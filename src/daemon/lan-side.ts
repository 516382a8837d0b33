/** The LAN of a miner as the system sees it: TUN, routes, DHCP and DNS. A lease from the gateway sets the address and the resolver. */
import { join } from 'node:path';
import type { Log } from '../base/env.ts';
import type { Config } from '../control/config.ts';
import { formatIpv4 } from '../control/ip-text.ts';
import type { Tun } from '../os/datapath.ts';
import { Dnsmasq, resolverUser } from '../os/dnsmasq.ts';
import { MinerNetwork } from '../os/network.ts';
import { directUplink } from '../os/policy-chain.ts';
import type { Lease } from '../wire/tunnel-message.ts';

export class LanSide {
  readonly tun: Tun;
  private readonly log: Log;
  private readonly mtuBytes: number;
  private readonly network: MinerNetwork;
  private readonly dnsmasq: Dnsmasq;
  /** Leases are applied one after another, so that the newest one wins. */
  private applying: Promise<void> = Promise.resolve();

  constructor(config: Config, tun: Tun, log: Log) {
    const lan = config.lan!;
    this.tun = tun;
    this.log = log;
    this.mtuBytes = config.tunnel.mtuBytes;
    this.network = new MinerNetwork({
      lan: lan.interface,
      lanAddress: lan.address,
      tun: tun.name,
      hasDirect: directUplink(config.policy) !== undefined,
    });
    this.dnsmasq = new Dnsmasq({
      directory: join(config.node.stateDir, 'lan'),
      lan: lan.interface,
      lanAddress: lan.address,
      dhcp: lan.dhcp,
      tun: tun.name,
      user: resolverUser().name,
      log,
    });
  }

  /** @throws Failure config-invalid, system-tool, address-in-use, not-permitted */
  async start(): Promise<void> {
    await this.network.start();
    await this.network.tunOpened(this.mtuBytes);
    await this.dnsmasq.start();
  }

  async stop(): Promise<void> {
    await this.applying;
    await this.dnsmasq.stop();
    await this.network.stop();
  }

  leased(lease: Lease): void {
    this.applying = this.applying.then(() => this.apply(lease));
  }

  private async apply(lease: Lease): Promise<void> {
    try {
      await this.network.leased(lease.address, Math.min(lease.mtuBytes, this.mtuBytes));
      await this.dnsmasq.setResolver(lease.resolver);
      this.log.write('info', 'leased', { address: formatIpv4(lease.address), resolver: formatIpv4(lease.resolver) });
    } catch (error) {
      // The kill switch holds; the next lease tries again.
      this.log.write('error', 'lease-not-applied', { reason: String(error) });
    }
  }
}
