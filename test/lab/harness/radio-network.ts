/**
 * Three boxes with a radio each, two strangers with one, and the internet behind one of the boxes:
 *
 *   internet ──eth0── gate   ))) radio 0        radio 1 (((   home ──lan0── laptop
 *   203.0.113.1          .2                                      .42.1        .42.250
 *                                attic ))) radio 2
 *                     visitor-1, visitor-2 ))) radios 3 and 4
 *
 * `hear` says who is in range of whom; at first everybody is.
 */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import type { RunContext } from '../../../scripts/run-contract.ts';
import { type Internet, startInternet } from './clients.ts';
import { Daemon, type NodeConfig, type Table } from './daemon.ts';
import { type Host, Lab, tool } from './lab.ts';
import { until } from './until.ts';

export const SERVER_ADDRESS = '198.51.100.1';
export const SERVER_NAME = 'www.test';
/** The address of gate, which the internet sees of everybody. */
export const EXIT_ADDRESS = '203.0.113.2';
const DNS_ADDRESS = '192.0.2.53';
const COUNTRY = 'DE';
const FILE_BYTES = 262_144;
const RADIO_OF = { gate: 0, home: 1, attic: 2, 'visitor-1': 3, 'visitor-2': 4 } as const;
export type RadioName = keyof typeof RADIO_OF;
const DEADLINE_MS = 120_000;

export class RadioNetwork {
  readonly lab: Lab;
  readonly gate: Daemon;
  readonly home: Daemon;
  readonly attic: Daemon;
  readonly laptop: Host;
  readonly visitors: readonly Host[];
  private readonly internet: Host;

  constructor(context: RunContext) {
    const lab = new Lab(context);
    this.lab = lab;
    const boxes = ['gate', 'home', 'attic'].map((name) => this.addRadioHost(name as RadioName));
    [this.gate, this.home, this.attic] = boxes.map((host) => new Daemon(lab, host));
    this.laptop = lab.addHost('laptop');
    this.visitors = ['visitor-1', 'visitor-2'].map((name) => this.addRadioHost(name as RadioName));
    const internet = lab.addHost('internet');
    this.internet = internet;
    const plug = { host: this.gate.host, device: 'eth0', addresses: [`${EXIT_ADDRESS}/24`] };
    lab.connect(plug, { host: internet, device: 'eth0', addresses: ['203.0.113.1/24'] });
    internet.addAddress('lo', `${SERVER_ADDRESS}/32`, `${DNS_ADDRESS}/32`);
    this.gate.host.addRoute('default', '203.0.113.1');
    const laptopEnd = { host: this.laptop, device: 'eth0', addresses: ['192.168.42.250/24'] };
    lab.connect(laptopEnd, { host: this.home.host, device: 'lan0' });
    this.laptop.addRoute('default', '192.168.42.1');
  }

  startServers(): Promise<Internet> {
    const names = { [SERVER_NAME]: SERVER_ADDRESS };
    return startInternet(this.internet, { web: SERVER_ADDRESS, dns: DNS_ADDRESS, fileBytes: FILE_BYTES, names });
  }

  get boxes(): readonly Daemon[] {
    return [this.gate, this.home, this.attic];
  }

  readonly tails = (): string => this.boxes.map((box) => box.tail()).join('\n');

  configure(wifi: Table, home: Partial<NodeConfig> = {}): void {
    const shared = { peers: [], discovery: { accept: 'segment' }, wifi: { country: COUNTRY, ...wifi } };
    const gateway = { enable: true, pool: '10.64.0.0/16', uplink: 'eth0', dns: DNS_ADDRESS };
    this.gate.configure({ ...shared, gateway });
    const lan = { interface: 'lan0', address: '192.168.42.1/24', dhcp: false };
    this.home.configure({ ...shared, lan, tunnel: { gateway: 'auto' }, ...home });
    this.attic.configure(shared);
  }

  /** NetworkManager with what it needs, and the radio of this host in its hands; resolves when it answers. */
  async startNetworkManager(host: Host): Promise<void> {
    const config = this.lab.file('NetworkManager.conf');
    writeFileSync(config, '[main]\nplugins=keyfile\nno-auto-default=*\n');
    for (const directory of ['/run/dbus', '/var/lib/NetworkManager']) mkdirSync(directory, { recursive: true });
    host.start('dbus', 'dbus-daemon', ['--system', '--nofork', '--nopidfile']);
    await until('the bus', DEADLINE_MS, () => existsSync('/run/dbus/system_bus_socket'));
    host.start('supplicant', 'wpa_supplicant', ['-u']);
    // There is no udev, and NetworkManager waits for what it says of an interface wherever it could run.
    const program = `mount -o remount,bind,ro /sys && exec NetworkManager --no-daemon --config ${config}`;
    host.start('network-manager', 'sh', ['-c', program]);
    await until('NetworkManager', DEADLINE_MS, () => host.run('nmcli', 'device', 'status').includes('wlan2'));
  }

  /** Who hears whom: radios hear each other when they share a group. */
  hear(groups: Readonly<Partial<Record<RadioName, number>>>): void {
    for (const [name, group] of Object.entries(groups)) {
      const number = RADIO_OF[name as RadioName];
      writeFileSync(`/sys/kernel/debug/ieee80211/phy${number}/hwsim/group`, String(group));
    }
  }

  radioOf(name: RadioName): string {
    return `phy${RADIO_OF[name]}`;
  }

  /** Resolves when two boxes have a link, with the ms that it took. */
  async linked(a: Daemon, b: Daemon): Promise<number> {
    const startedMs = performance.now();
    const isUp = async (): Promise<boolean> => {
      const { links } = await a.ask('links', {});
      return links.some(({ key, state }) => key === b.key && state === 'up');
    };
    const what = `a link of ${a.host.name} and ${b.host.name}`;
    await until(what, DEADLINE_MS, isUp, this.tails);
    return Math.round(performance.now() - startedMs);
  }

  private addRadioHost(name: RadioName): Host {
    const host = this.lab.addHost(name);
    tool('iw', 'phy', this.radioOf(name), 'set', 'netns', 'name', host.namespace);
    return host;
  }
}

/** Whether a host gets an answer from an address within a second. */
export async function answers(host: Host, address: string): Promise<boolean> {
  const ping = host.start('ping', 'ping', ['-n', '-c', '1', '-W', '1', address]);
  return (await ping.exited) === 0;
}
