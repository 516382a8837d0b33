/**
 * Addresses, routes and switches of the kernel, through `ip` (iproute2) and /proc/sys. Everything may be done twice. What
 * `start` changed, `stop` changes back in reverse, except what belongs to the kill switch: the rule and the table that
 * keep the LAN's packets off every route but the tunnel's stay, so that a laptop is told "unreachable" while no daemon runs.
 *
 *   ip rule   6964: from all fwmark 0x6970 iif LAN lookup 6970     and up to 6967, where rules of the user name a gateway (policy-chain.ts)
 *             6968: from all fwmark 0x6969 iif LAN lookup main     where they say "direct"
 *             6969: from all iif LAN lookup 6969          before the main table (32766); the same for the hotspot's interface
 *   table 6969      default dev TUN                       while there is a lease; goes with the device; 6970 and so on alike
 *                   unreachable default metric 4278198272 otherwise
 *   main table      blackhole POOL metric 4278198272      at a gateway, behind the route to its TUN device
 */
import { readdirSync } from 'node:fs';
import { assert } from '../base/assert.ts';
import { Failure } from '../base/failure.ts';
import { MAX_RULE_GATEWAYS } from '../control/config-schema.ts';
import { formatIpv4, formatIpv4Prefix, networkAddress, parseIpv4, parseIpv4Prefix } from '../control/ip-text.ts';
import type { Ipv4Prefix } from '../wire/ip.ts';
import { runTool } from './command.ts';
import { applyRuleset, lanAnswersRuleset } from './firewall.ts';
import { HOTSPOT_INTERFACE } from './hotspot-rules.ts';
import { DIRECT_MARK, type TunnelWay } from './policy-chain.ts';
import { readSysctl, UndoList, writeSysctl } from './undo-list.ts';

/** Of the LAN's rule: nobody's default, and easy to recognise in `ip rule`. */
const LAN_PRIORITY = 6969;
/** Of the rules for what goes past the tunnel, and for each gateway that rules name: right before the LAN's. */
const DIRECT_PRIORITY = 6968;
const FIRST_GATEWAY_PRIORITY = DIRECT_PRIORITY - MAX_RULE_GATEWAYS;
/** Behind every other route of its table. */
const LAST_METRIC = '4278198272';

export class MinerNetwork {
  private readonly lan: string;
  private readonly lanAddress: Ipv4Prefix;
  /** The default way first. */
  private readonly ways: readonly TunnelWay[];
  private readonly hasDirect: boolean;
  private readonly hotspotAddress: Ipv4Prefix | undefined;
  private readonly undo = new UndoList();
  /** By way. */
  private addresses: (string | undefined)[] = [];

  /** `hasDirect`: a rule of the user lets packets past the tunnel. `hotspotAddress`: of this box in the hotspot, if it has one. */
  constructor(options: {
    lan: string;
    lanAddress: Ipv4Prefix;
    ways: readonly TunnelWay[];
    hasDirect: boolean;
    hotspotAddress?: Ipv4Prefix | undefined;
  }) {
    this.lan = options.lan;
    this.lanAddress = options.lanAddress;
    this.ways = options.ways;
    this.hasDirect = options.hasDirect;
    this.hotspotAddress = options.hotspotAddress;
  }

  /**
   * The LAN's address, the LAN's routing tables, forwarding for IPv4 and not for IPv6. The kill switch is loaded already.
   * @throws Failure config-invalid (no such interface), system-tool, not-permitted
   */
  async start(): Promise<void> {
    await requireInterface(this.lan);
    await this.routeLan();
    await setAddress(this.lan, formatIpv4Prefix(this.lanAddress), this.undo);
    await runTool('ip', ['link', 'set', 'dev', this.lan, 'up']);
    // A laptop that plays router would otherwise give this box a default route into the LAN.
    this.undo.sysctl(`net/ipv6/conf/${this.lan}/accept_ra`, 0);
    this.undo.sysctl('net/ipv6/conf/all/forwarding', 0);
    this.undo.sysctl('net/ipv4/ip_forward', 1);
    await this.answerIpv6();
  }

  /** The TUN devices exist: they are brought up without an address, which the lease gives. */
  async tunsOpened(mtuBytes: number): Promise<void> {
    this.addresses = [];
    this.acceptFromAnywhere();
    for (const { tun } of this.ways) await runTool('ip', ['link', 'set', 'dev', tun, 'mtu', String(mtuBytes), 'up']);
  }

  /** The hotspot's interface was made: IPv4 only, and this box's address. All of it goes with the interface. */
  async hotspotMade(): Promise<void> {
    if (this.hotspotAddress === undefined) return;
    const noIpv6 = `net/ipv6/conf/${HOTSPOT_INTERFACE}/disable_ipv6`;
    // A kernel without IPv6 has no such switch.
    if (readSysctl(noIpv6) !== undefined) writeSysctl(noIpv6, '1');
    await runTool('ip', ['address', 'replace', formatIpv4Prefix(this.hotspotAddress), 'dev', HOTSPOT_INTERFACE]);
  }

  /** Gives a way's TUN device its address and the LAN its way out. `address` is a number (wire/ip.ts). */
  async leased(way: number, address: number, mtuBytes: number): Promise<void> {
    const { tun, table } = this.ways[way];
    const before = this.addresses[way];
    // /32: whatever prefix a gateway names, it moves no route of this box.
    const text = `${formatIpv4(address)}/32`;
    await runTool('ip', ['link', 'set', 'dev', tun, 'mtu', String(mtuBytes)]);
    if (before !== text) {
      await runTool('ip', ['address', 'replace', text, 'dev', tun]);
      if (before !== undefined) await runTool('ip', ['address', 'del', before, 'dev', tun]);
      this.addresses[way] = text;
    }
    await runTool('ip', ['route', 'replace', 'default', 'dev', tun, 'table', table]);
  }

  async stop(): Promise<void> {
    await this.undo.run();
  }

  /** A courtesy that some kernels are built without: there, the kill switch alone refuses IPv6. */
  private async answerIpv6(): Promise<void> {
    try {
      await applyRuleset(lanAnswersRuleset(this.lan));
    } catch (error) {
      if (!(error instanceof Failure) || error.code !== 'system-tool') throw error;
    }
  }

  private async routeLan(): Promise<void> {
    const [main, ...named] = this.ways;
    for (const { table } of this.ways) {
      await runTool('ip', ['route', 'replace', 'unreachable', 'default', 'table', table, 'metric', LAST_METRIC]);
    }
    const hotspot = this.hotspotAddress === undefined ? [] : [HOTSPOT_INTERFACE];
    await this.setRules(LAN_PRIORITY, [this.lan, ...hotspot], ['lookup', main.table]);
    await this.setRule(DIRECT_PRIORITY, this.hasDirect ? ['fwmark', DIRECT_MARK, 'lookup', 'main'] : undefined);
    for (let i = 0; i < MAX_RULE_GATEWAYS; i++) {
      const way = named.at(i);
      await this.setRule(FIRST_GATEWAY_PRIORITY + i, way && ['fwmark', way.mark!, 'lookup', way.table]);
    }
  }

  /** The one rule of this priority does `what` with the LAN's packets and nobody else's; without `what` there is none. */
  private async setRule(priority: number, what: readonly string[] | undefined): Promise<void> {
    await this.setRules(priority, what === undefined ? [] : [this.lan], what ?? []);
  }

  /** The rules of this priority do `what` with the packets of these interfaces and of no others. */
  private async setRules(priority: number, wanted: readonly string[], what: readonly string[]): Promise<void> {
    const at = ['priority', String(priority)];
    const rules = (await jsonOf(['rule', 'show', ...at])) as { iif?: string }[];
    for (const iif of wanted) {
      if (!rules.some((rule) => rule.iif === iif)) await runTool('ip', ['rule', 'add', ...at, 'iif', iif, ...what]);
    }
    for (const { iif } of rules) {
      // From a start with another configuration.
      if (iif !== undefined && !wanted.includes(iif)) await runTool('ip', ['rule', 'del', ...at, 'iif', iif]);
    }
  }

  /**
   * The internet answers through a TUN device while the main table knows another way to it, or none: the reverse path
   * filter would drop the answers. The strictest of `all` and the device counts, so `all` has to go to 0; the
   * other devices then get what `all` demanded.
   */
  private acceptFromAnywhere(): void {
    const all = Number(readSysctl('net/ipv4/conf/all/rp_filter') ?? 0);
    for (const device of all === 0 ? [] : readdirSync('/proc/sys/net/ipv4/conf')) {
      const own = `net/ipv4/conf/${device}/rp_filter`;
      if (device !== 'all' && Number(readSysctl(own) ?? 0) < all) this.undo.sysctl(own, all);
    }
    this.undo.sysctl('net/ipv4/conf/all/rp_filter', 0);
    for (const { tun } of this.ways) this.undo.sysctl(`net/ipv4/conf/${tun}/rp_filter`, 0);
  }
}

export class GatewayNetwork {
  private readonly options: { tun: string; uplink: string; pool: Ipv4Prefix; gatewayAddress: number };
  private readonly undo = new UndoList();

  constructor(options: { tun: string; uplink: string; pool: Ipv4Prefix; gatewayAddress: number }) {
    this.options = options;
  }

  /**
   * Gives the TUN device, which exists already, the gateway's address with the pool behind it, and forwards IPv4. The black hole
   * behind the pool stays: while the gateway restarts, what comes for its clients is dropped in silence, so that connections
   * wait instead of ending.
   * @throws Failure config-invalid (no such uplink), system-tool, not-permitted
   */
  async start(mtuBytes: number): Promise<void> {
    const { tun, uplink, pool, gatewayAddress } = this.options;
    await requireInterface(uplink);
    const poolText = formatIpv4Prefix({ ...pool, address: networkAddress(pool) });
    await runTool('ip', ['route', 'replace', 'blackhole', poolText, 'metric', LAST_METRIC]);
    const address = formatIpv4Prefix({ address: gatewayAddress, prefixLength: pool.prefixLength });
    await runTool('ip', ['address', 'replace', address, 'dev', tun]);
    await runTool('ip', ['link', 'set', 'dev', tun, 'mtu', String(mtuBytes), 'up']);
    this.undo.sysctl('net/ipv4/ip_forward', 1);
  }

  async stop(): Promise<void> {
    await this.undo.run();
  }
}

/** The IPv4 networks that this machine has an address or a direct route in, without those of the devices named. */
export async function readOwnNetworks(exceptDevices: readonly string[]): Promise<Ipv4Prefix[]> {
  const networks: Ipv4Prefix[] = [];
  const add = (address: number | undefined, prefixLength: number): void => {
    assert(address !== undefined, 'an address from ip');
    networks.push({ address: networkAddress({ address, prefixLength }), prefixLength });
  };
  type Device = { ifname: string; addr_info: { local: string; prefixlen: number }[] };
  for (const device of (await jsonOf(['-4', 'address', 'show'])) as Device[]) {
    if (exceptDevices.includes(device.ifname)) continue;
    for (const info of device.addr_info) add(parseIpv4(info.local), info.prefixlen);
  }
  type Route = { dst: string; dev: string };
  for (const route of (await jsonOf(['-4', 'route', 'show', 'scope', 'link'])) as Route[]) {
    if (route.dst === 'default' || exceptDevices.includes(route.dev)) continue;
    const prefix = parseIpv4Prefix(route.dst.includes('/') ? route.dst : `${route.dst}/32`);
    add(prefix?.address, prefix?.prefixLength ?? 32);
  }
  return networks;
}

async function requireInterface(name: string): Promise<void> {
  try {
    await runTool('ip', ['link', 'show', 'dev', name]);
  } catch (error) {
    if (!(error instanceof Failure) || !/does not exist/.test(error.message)) throw error;
    throw new Failure('config-invalid', `there is no network interface ${name}`, 'See the names with: ip link');
  }
}

async function setAddress(device: string, address: string, undo: UndoList): Promise<void> {
  type Device = { addr_info: { local: string; prefixlen: number }[] };
  const [found] = (await jsonOf(['-4', 'address', 'show', 'dev', device])) as Device[];
  if (found?.addr_info.some((info) => `${info.local}/${info.prefixlen}` === address)) return;
  await runTool('ip', ['address', 'add', address, 'dev', device]);
  undo.add(async () => {
    await runTool('ip', ['address', 'del', address, 'dev', device]);
  });
}

async function jsonOf(args: readonly string[]): Promise<unknown[]> {
  const text = await runTool('ip', ['-j', ...args]);
  // A rule or device that is not there gives no text at all, or [{}] in older versions.
  return text.trim() === '' ? [] : JSON.parse(text).filter((entry: object) => Object.keys(entry).length > 0);
}
