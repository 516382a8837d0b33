/** The radios of a box: what they need to know of the node, and what the node's status tells of them. */
import { join } from 'node:path';
import { equal } from '../base/bytes.ts';
import type { Log } from '../base/env.ts';
import type { Config } from '../control/config.ts';
import type { Result } from '../control/schema.ts';
import { addressHash } from '../crypto/address.ts';
import type { Node } from '../node/node.ts';
import { applyRuleset } from '../os/firewall.ts';
import { HOTSPOT_INTERFACE } from '../os/hotspot-rules.ts';
import type { RadioReport } from '../os/wifi/radio-driver.ts';
import { Wifi } from '../os/wifi/wifi.ts';
import { wifiRuleset } from '../os/wifi-firewall.ts';
import type { RadioPlan } from '../radio/plan.ts';
import { CallWatch } from './call-watch.ts';

type WifiStatus = NonNullable<Result<'status'>['wifi']>;

export class WifiSide {
  private readonly config: Config;
  private readonly log: Log;
  private wifi: Wifi | undefined;
  private calls: CallWatch | undefined;

  constructor(config: Config, log: Log) {
    this.config = config;
    this.log = log;
  }

  /**
   * The radios themselves come up behind it. `hotspotMade` is called whenever the hotspot's interface was made.
   * @throws Failure system-tool, not-permitted
   */
  async start(node: Node, hotspotMade: () => Promise<void>): Promise<void> {
    const { wifi, hotspot, listen, node: own } = this.config;
    const portsOf = (endpoints: typeof listen.udp): number[] => [...new Set(endpoints.map(({ port }) => port))];
    await applyRuleset(wifiRuleset(portsOf(listen.udp), portsOf(listen.tcp)));
    const calls = new CallWatch(node);
    this.calls = calls;
    this.wifi = new Wifi({
      directory: join(own.stateDir, 'wifi'),
      ...wifi!,
      ownHash: addressHash(node.identity.key),
      isLinked: (hash) => isLinked(node, hash),
      isCallRunning: () => calls.isCallRunning,
      hotspot: hotspot && { ssid: hotspot.ssid, interface: HOTSPOT_INTERFACE, made: hotspotMade },
      log: this.log,
    });
    this.wifi.start();
  }

  /** The rules stay: they are for interfaces that only this program makes. */
  async stop(): Promise<void> {
    this.calls?.stop();
    await this.wifi?.stop();
  }

  status(): WifiStatus {
    const { radios, problem } = this.wifi?.report() ?? { radios: [], problem: undefined };
    return { country: this.config.wifi!.country, problem: problem ?? null, radios: radios.map(radioStatus) };
  }
}

function isLinked(node: Node, hash: Uint8Array): boolean {
  const links = node.links.status(performance.now());
  return links.some(({ state, key }) => state === 'up' && equal(addressHash(key), hash));
}

function radioStatus(report: RadioReport): WifiStatus['radios'][number] {
  const { plan } = report;
  return {
    name: report.radio,
    state: report.state,
    mode: plan === undefined ? null : kindOf(plan),
    frequency_mhz: report.frequencyMhz ?? null,
    joined: [...report.joined],
    mesh_members: report.meshMembers,
    hotspot: report.hasHotspot,
    problem: report.problem ?? null,
  };
}

function kindOf({ mesh, accessPoint }: RadioPlan): WifiStatus['radios'][number]['mode'] {
  if (mesh) return 'mesh';
  return accessPoint ? 'access-point' : 'station';
}
