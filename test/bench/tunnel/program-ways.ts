/** Ways that are a program at each node: it opens a TUN device, into which the kernel routes. */
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cProgram } from '../../lab/harness/c-program.ts';
import { cableEnds, LAN, SERVER_ADDRESS } from '../../lab/harness/chain.ts';
import { type Host, tool } from '../../lab/harness/lab.ts';
import type { LabProcess } from '../../lab/harness/lab-process.ts';
import { until } from '../../lab/harness/until.ts';
import { peerProgram, startPeer } from './peer-program.ts';
import type { TunnelNetwork } from './tunnel-network.ts';
import type { Way } from './way.ts';

const START_MS = 30_000;
const WIREGUARD_PORT = 51_820;
/** Of wireguard-go by default; the others get the same. */
const TUNNEL_MTU_BYTES = '1420';
/** Of the one cable that those have which do not chain. */
const { a: NEAR_ADDRESS, b: FAR_ADDRESS } = cableEnds(0);

abstract class ProgramWay implements Way {
  readonly server = SERVER_ADDRESS;
  protected readonly network: TunnelNetwork;
  private processes: readonly LabProcess[] = [];

  constructor(network: TunnelNetwork) {
    this.network = network;
  }

  /** One at each node, whose device is or becomes `tun0`. */
  protected abstract start(): Promise<readonly LabProcess[]> | readonly LabProcess[];

  async up(): Promise<readonly LabProcess[]> {
    this.processes = await this.start();
    const tails = () => this.processes.map((process) => process.tail()).join('\n');
    for (const host of this.network.nodes) {
      await until('a TUN device', START_MS, () => host.hasLink('tun0'), tails);
      tool('ip', '-n', host.namespace, 'link', 'set', 'dev', 'tun0', 'mtu', TUNNEL_MTU_BYTES, 'up');
    }
    this.network.routeThrough('tun0');
    return this.processes;
  }

  async down(): Promise<void> {
    await Promise.all(this.processes.map((process) => process.stop()));
  }
}

/** Over several cables a tunnel for each, between which the nodes forward IP: one interface has both neighbours as its peers. */
export class WireguardWay extends ProgramWay {
  protected async start(): Promise<readonly LabProcess[]> {
    const { nodes, plugs, lab } = this.network;
    const started: LabProcess[] = [];
    // Its control socket is named after the interface, and there is one folder for all of them.
    const names = new Map(nodes.map((host, index) => [host, `skw${process.pid % 10_000}${index}`]));
    const keys = new Map<Host, string>();
    for (const [host, name] of names) {
      started.push(startPeer(host, 'wireguard-go', ['-f', name]));
      await until('wireguard-go', START_MS, () => host.hasLink(name) && existsSync(`/var/run/wireguard/${name}.sock`));
      const keyFile = lab.file(`wireguard-${host.name}.key`);
      writeFileSync(keyFile, tool('wg', 'genkey'), { mode: 0o600 });
      host.run('wg', 'set', name, 'private-key', keyFile, 'listen-port', `${WIREGUARD_PORT}`);
      keys.set(host, host.run('wg', 'show', name, 'public-key').trim());
    }
    for (const { host, device, neighbour, address } of plugs) {
      const reached = [
        'allowed-ips',
        device === 'next' ? '0.0.0.0/0' : LAN,
        'endpoint',
        `${address}:${WIREGUARD_PORT}`,
      ];
      host.run('wg', 'set', names.get(host)!, 'peer', keys.get(neighbour)!, ...reached);
    }
    for (const [host, name] of names) {
      tool('ip', '-n', host.namespace, 'link', 'set', 'dev', name, 'down', 'name', 'tun0');
    }
    return started;
  }
}

export class TincWay extends ProgramWay {
  protected start(): readonly LabProcess[] {
    const { near, far, lab } = this.network;
    const ends = [
      { host: near, name: 'near', own: ['ConnectTo = far'], about: [`Subnet = ${LAN}`] },
      { host: far, name: 'far', own: [], about: [`Address = ${FAR_ADDRESS}`, 'Subnet = 0.0.0.0/0'] },
    ].map((end) => ({ ...end, folder: mkdtempSync(lab.file('tinc-')) }));
    // Until it has found the path's MTU itself, half a minute later, it sends full packets over TCP.
    const both = ['Interface = tun0', 'AddressFamily = ipv4', 'PMTUDiscovery = no'];
    for (const { host, name, own, about, folder } of ends) {
      mkdirSync(join(folder, 'hosts'));
      writeFileSync(join(folder, 'tinc.conf'), lines(`Name = ${name}`, ...both, ...own));
      writeFileSync(join(folder, 'hosts', name), lines('PMTUDiscovery = no', ...about));
      host.run(peerProgram('tincd'), '-c', folder, '-K2048');
    }
    for (const [index, { name, folder }] of ends.entries()) {
      copyFileSync(join(folder, 'hosts', name), join(ends[1 - index].folder, 'hosts', name));
    }
    return ends.map(({ host, folder }) =>
      startPeer(host, 'tincd', ['-c', folder, '-D', `--pidfile=${join(folder, 'pid')}`]),
    );
  }
}

export class OpenvpnWay extends ProgramWay {
  protected start(): readonly LabProcess[] {
    const { near, far, lab } = this.network;
    const ends = [
      { host: near, peer: FAR_ADDRESS, role: ['--tls-client'] },
      { host: far, peer: NEAR_ADDRESS, role: ['--tls-server', '--dh', 'none'] },
    ].map((end) => ({ ...end, ...certificate(mkdtempSync(lab.file('openvpn-'))) }));
    return ends.map(({ host, peer, role, key, cert }, index) => {
      const trusted = ['--cert', cert, '--key', key, '--peer-fingerprint', ends[1 - index].fingerprint];
      const words = ['--dev', 'tun0', '--remote', peer, '--tun-mtu', TUNNEL_MTU_BYTES, ...role, ...trusted];
      return startPeer(host, 'openvpn', words);
    });
  }
}

/** Of its own key, made in the folder. */
function certificate(folder: string): { key: string; cert: string; fingerprint: string } {
  const [key, cert] = [join(folder, 'key'), join(folder, 'cert')];
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  tool('openssl', 'req', '-x509', ...curve, '-subj', '/CN=bench', '-keyout', key, '-out', cert);
  const [, fingerprint] = tool('openssl', 'x509', '-in', cert, '-noout', '-fingerprint', '-sha256').trim().split('=');
  return { key, cert, fingerprint };
}

export class LoopWay extends ProgramWay {
  private readonly layers: 'both' | 'link';

  constructor(network: TunnelNetwork, layers: 'both' | 'link') {
    super(network);
    this.layers = layers;
  }

  protected start(): readonly LabProcess[] {
    const { near, far } = this.network;
    const program = cProgram('superpacket', '-lcrypto');
    return [
      near.start('loop', program, ['tun0', NEAR_ADDRESS, FAR_ADDRESS, this.layers]),
      far.start('loop', program, ['tun0', FAR_ADDRESS, NEAR_ADDRESS, this.layers]),
    ];
  }
}

const lines = (...text: readonly string[]) => `${text.join('\n')}\n`;
