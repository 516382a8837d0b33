/**
 * A board with the Raspberry Pi image between a laptop and a gateway, for the labs that start one:
 *
 *   laptop ──eth0── lan (eth1) board (eth0) up ──net0── gateway ──eth0── internet (198.51.100.80)
 *      192.168.42.0/24          10.50.1.0/24, by DHCP        203.0.113.0/24
 */
import { writeFileSync } from 'node:fs';
import type { RunContext } from '../../../scripts/run-contract.ts';
import { layBootFile } from './board-firmware.ts';
import { writeCard } from './card-image.ts';
import { resolveName, startInternet } from './clients.ts';
import { Daemon } from './daemon.ts';
import { DNS_ADDRESS, NODE_PORT, WEB_ADDRESS, WEB_NAME } from './demo-topology.ts';
import { type Host, type Lab, tool } from './lab.ts';
import { until } from './until.ts';
import { VirtualBoard } from './virtual-board.ts';

const FILE_BYTES = 8_000_000;
const UPLINK_ADDRESS = '10.50.1.1';
/** With two busy processors under it an emulated machine takes minutes. */
const BOOT_DEADLINE_MS = 420_000;
const CONNECT_DEADLINE_MS = 180_000;
const ADDRESS = /skywire: address (\S+) key ([0-9a-f]{66})/;
const UPLINK = /skywire: eth0 has ([\d.]+)/;

/** What the board says of itself on its console. */
export interface BoardNames {
  readonly address: string;
  readonly key: string;
  /** On its uplink. */
  readonly ip: string;
}

export class BoardSite {
  readonly lab: Lab;
  readonly laptop: Host;
  readonly gateway: Daemon;
  readonly board: VirtualBoard;
  private readonly internet: Host;
  private readonly sshKey: string;
  private readonly card: string;

  /** `image` is made in the lab's folder, unless there is one; `sticks` are disks that the board sees besides its card. */
  constructor(context: RunContext, lab: Lab, image: string, sticks: readonly string[] = []) {
    this.lab = lab;
    this.laptop = lab.addHost('laptop');
    this.internet = lab.addHost('internet');
    const [board, gateway] = [lab.addHost('board'), lab.addHost('gateway')];
    const plug = (host: Host, device: string, ...addresses: string[]) => ({ host, device, addresses });
    lab.connect(plug(this.laptop, 'eth0'), plug(board, 'lan'));
    lab.connect(plug(gateway, 'net0', `${UPLINK_ADDRESS}/24`), plug(board, 'up'));
    lab.connect(plug(gateway, 'eth0', '203.0.113.2/24'), plug(this.internet, 'eth0', '203.0.113.1/24'));
    this.internet.addAddress('lo', `${WEB_ADDRESS}/32`, `${DNS_ADDRESS}/32`);
    gateway.addRoute('default', '203.0.113.1');
    this.gateway = new Daemon(lab, gateway);
    this.sshKey = lab.file('ssh-key');
    tool('ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', this.sshKey);
    this.card = lab.file('card');
    writeCard(image, this.card);
    this.board = new VirtualBoard(lab, board, this.card, ['up', 'lan'], sticks);
    context.onExit(() => this.board.machine.powerCut());
  }

  async startOutside() {
    const { host } = this.gateway;
    const range = ['--dhcp-range=10.50.1.100,10.50.1.150,1h', '--dhcp-authoritative', '--port=0'];
    const files = [`--dhcp-leasefile=${this.lab.file('leases')}`, '--conf-file=/dev/null', '--pid-file='];
    host.start('dhcp', 'dnsmasq', ['--keep-in-foreground', '--interface=net0', ...range, ...files]);
    const servers = { web: WEB_ADDRESS, dns: DNS_ADDRESS, fileBytes: FILE_BYTES };
    return startInternet(this.internet, { ...servers, names: { [WEB_NAME]: WEB_ADDRESS } });
  }

  /** What the README of the boot partition tells a person to do. */
  prepareCard({ nodeName = 'box', wifi = '' } = {}): void {
    const config = this.lab.file('skywire.toml');
    const { key, address } = this.gateway;
    writeFileSync(
      config,
      `[node]\r\nname = "${nodeName}"\r\n[[peer]]\r\nkey = "${key}"\r\nendpoint = "${UPLINK_ADDRESS}:${NODE_PORT}"\r\n` +
        `[discovery]\r\ninterfaces = []\r\n[lan]\r\ninterface = "eth1"\r\n[tunnel]\r\ngateway = "${address}"\r\n${wifi}`,
    );
    layBootFile(this.card, 'skywire.toml', config);
    layBootFile(this.card, 'authorized_keys', `${this.sshKey}.pub`);
  }

  /** A file with nothing in it, on the boot partition of a board that is off. */
  layFile(name: string): void {
    layBootFile(this.card, name, '/dev/null');
  }

  /** Gateway and board name each other, as the configuration wants it; the board's key stands on its console. */
  async startGateway(boardKey: string): Promise<void> {
    this.gateway.configure({
      peers: [{ key: boardKey }],
      gateway: { enable: true, pool: '10.64.0.0/16', uplink: 'eth0', dns: DNS_ADDRESS },
    });
    await this.gateway.start();
  }

  /** Runs a command on the board over its uplink. */
  ssh(address: string, command: string): string {
    const strange = ['-o', 'StrictHostKeyChecking=no', '-o', 'UserKnownHostsFile=/dev/null', '-o', 'LogLevel=ERROR'];
    const options = ['-i', this.sshKey, ...strange, '-o', 'ConnectTimeout=30'];
    return this.gateway.host.run('ssh', ...options, `root@${address}`, command).trim();
  }

  /** Asks the board to restart, with the answer on its way before that. */
  restart(address: string, into: 'same' | 'tryboot' = 'same'): void {
    const argument = into === 'tryboot' ? " --reboot-argument='0 tryboot'" : '';
    this.ssh(address, `systemd-run --quiet --on-active=1 systemctl reboot${argument}`);
  }

  /** Resolves when it says who it is, which it does when everything runs. */
  async booted(): Promise<BoardNames> {
    const [, address, key] = await this.board.machine.says(ADDRESS, BOOT_DEADLINE_MS);
    const [, ip] = await this.board.machine.says(UPLINK, 1000);
    return { address, key, ip };
  }

  /** Resolves when the laptop's ping through the tunnel is answered, and then its question for a name. */
  async connected(): Promise<void> {
    const answered = () => this.laptop.run('ping', '-c1', '-W1', WEB_ADDRESS);
    const explain = () => `${this.gateway.tail()}\n${this.board.machine.tail()}`;
    await until('a ping through the tunnel', CONNECT_DEADLINE_MS, answered, explain);
    await until('a name', CONNECT_DEADLINE_MS, () => resolveName(this.laptop, WEB_NAME), explain);
  }
}
