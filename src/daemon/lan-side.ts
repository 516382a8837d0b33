/**
 * The LAN of a miner as the system sees it: TUN devices, routes, DHCP and DNS. A lease from a gateway sets the address of its device, that of the
 * tunnel's own gateway the resolver.
 */
import { join } from 'node:path';
import type { Log } from '../base/env.ts';
import type { Config } from '../control/config.ts';
import { formatIpv4 } from '../control/ip-text.ts';
import type { Tun } from '../os/datapath.ts';
import { Dnsmasq, resolverUser } from '../os/dnsmasq.ts';
import { MinerNetwork } from '../os/network.ts';
import { directUplink, tunnelWays } from '../os/policy-chain.ts';
import type { Lease } from '../wire/tunnel-message.ts';

export class LanSide {
  /** The tunnel's own first, then those of the gateways that rules name, in their order (`tunnelWays`). */
  readonly tuns: readonly Tun[];
  private readonly log: Log;
  private readonly mtuBytes: number;
  private readonly network: MinerNetwork;
  private readonly dnsmasq: Dnsmasq;
  /** Leases are applied one after another, so that the newest one wins. */
  private applying: Promise<void> = Promise.resolve();
  /** By way: the lease whose address and routes the system has. */
  private readonly applied: (Lease | undefined)[] = [];

  constructor(config: Config, tuns: readonly Tun[], log: Log) {
    const lan = config.lan!;
    this.tuns = tuns;
    this.log = log;
    this.mtuBytes = config.tunnel.mtuBytes;
    this.network = new MinerNetwork({
      lan: lan.interface,
      lanAddress: lan.address,
      ways: tunnelWays(config.policy, config.tunnel.interface),
      hasDirect: directUplink(config.policy) !== undefined,
      hotspotAddress: config.hotspot?.address,
    });
    this.dnsmasq = new Dnsmasq({
      directory: join(config.node.stateDir, 'lan'),
      lan: lan.interface,
      lanAddress: lan.address,
      dhcp: lan.dhcp,
      hotspotAddress: config.hotspot?.address,
      tun: config.tunnel.interface,
      user: resolverUser().name,
      log,
    });
  }

  /** @throws Failure config-invalid, system-tool, address-in-use, not-permitted */
  async start(): Promise<void> {
    await this.network.start();
    await this.network.tunsOpened(this.mtuBytes);
    await this.dnsmasq.start();
  }

  async stop(): Promise<void> {
    await this.applying;
    await this.dnsmasq.stop();
    await this.network.stop();
  }

  /** The interface of the hotspot is there, and has nothing yet. */
  hotspotMade(): Promise<void> {
    return this.network.hotspotMade();
  }

  /** `way` is the index of the TUN device that the lease is for. */
  leased(way: number, lease: Lease): void {
    this.applying = this.applying.then(() => this.apply(way, lease));
  }

  /** Whether packets of the LAN find their way into this device, with the address of this lease. */
  hasApplied(way: number, lease: Lease): boolean {
    return this.applied[way]?.address === lease.address;
  }

  private async apply(way: number, lease: Lease): Promise<void> {
    try {
      await this.network.leased(way, lease.address, Math.min(lease.mtuBytes, this.mtuBytes));
      this.applied[way] = lease;
      if (way === 0) await this.dnsmasq.setResolver(lease.resolver);
      const [address, resolver] = [lease.address, lease.resolver].map(formatIpv4);
      this.log.write('info', 'leased', { device: this.tuns[way].name, address, resolver });
    } catch (error) {
      // The kill switch holds; the next lease tries again.
      this.log.write('error', 'lease-not-applied', { reason: String(error) });
    }
  }
}
