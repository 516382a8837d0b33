/**
 * Two boxes behind address translation, and one that everybody reaches:
 *
 *   box-a ── nat-a ──┐
 *      192.168.1.0/24├── exchange ── helper         exchange: 198.51.100.0/24
 *   box-b ── nat-b ──┘
 *      192.168.2.0/24
 *
 * Kinds of address translation, as a home router has them, all with a firewall that lets nothing in that was not asked for:
 *
 *   same-port   one outside port for all that the box sends from one port; lets in who was sent to (kernel's masquerade)
 *   open        the same, and whoever sends to that outside port gets in
 *   any-port    another outside port for each destination (masquerade with fully-random)
 *   no-udp      as same-port, and no UDP gets through at all
 */
import type { RunContext } from '../../../scripts/run-contract.ts';
import { Daemon } from './daemon.ts';
import { NODE_PORT } from './demo-topology.ts';
import { type Host, Lab } from './lab.ts';
import { until } from './until.ts';

export type Nat = 'same-port' | 'open' | 'any-port' | 'no-udp';

const HELPER_ADDRESS = '198.51.100.9';
const DEADLINE_MS = 30_000;
/** Shorter than any router's, RFC 4787 asks for two minutes: a link must hold it open. */
const MAPPING_LIFE_S = 15;

function rules(nat: Nat, box: string): string {
  const random = nat === 'any-port' ? ' fully-random' : '';
  const open = nat === 'open' ? `iifname "out" udp dport ${NODE_PORT} dnat to ${box}:${NODE_PORT};` : '';
  const blocked = nat === 'no-udp' ? 'meta l4proto udp drop;' : '';
  return `
    table ip nat {
      chain out { type nat hook postrouting priority srcnat; oifname "out" masquerade${random}; }
      chain in { type nat hook prerouting priority dstnat; ${open} }
    }
    table ip filter {
      chain input { type filter hook input priority filter; policy drop; ct state established,related accept; iifname "in" accept; }
      chain forward { type filter hook forward priority filter; policy drop; ${blocked} ct state established,related accept; iifname "in" accept; ct status dnat accept; }
    }`;
}

/** A router of this kind in front of a box, in a home network of its own (`192.168.1`); its `out` is still to be plugged in. */
export function addNat(lab: Lab, host: Host, kind: Nat, net: string): Host {
  const nat = lab.addHost(`nat-of-${host.name}`);
  lab.connect(
    { host, device: 'eth0', addresses: [`${net}.2/24`] },
    { host: nat, device: 'in', addresses: [`${net}.1/24`] },
  );
  host.addRoute('default', `${net}.1`);
  nat.sysctl('net.ipv4.ip_forward', 1);
  nat.run('nft', rules(kind, `${net}.2`));
  return nat;
}

export class NatNetwork {
  readonly a: Daemon;
  readonly b: Daemon;
  readonly helper: Daemon;

  constructor(context: RunContext, kinds: readonly [Nat, Nat]) {
    const lab = new Lab(context);
    const exchange = lab.addHost('exchange');
    exchange.run('ip', 'link', 'add', 'bridge', 'type', 'bridge');
    exchange.setLink('bridge', 'up');
    const plugIn = (host: Host, device: string, address: string) => {
      const port = `to-${host.name}`;
      lab.connect({ host, device, addresses: [`${address}/24`] }, { host: exchange, device: port });
      exchange.run('ip', 'link', 'set', port, 'master', 'bridge');
    };
    const helper = lab.addHost('helper');
    plugIn(helper, 'eth0', HELPER_ADDRESS);
    const [a, b] = kinds.map((kind, i) => {
      const name = 'ab'[i];
      const host = lab.addHost(`box-${name}`);
      const nat = addNat(lab, host, kind, `192.168.${i + 1}`);
      plugIn(nat, 'out', `198.51.100.${i + 1}`);
      for (const key of ['udp_timeout', 'udp_timeout_stream']) {
        nat.sysctl(`net.netfilter.nf_conntrack_${key}`, MAPPING_LIFE_S);
      }
      return new Daemon(lab, host, context.args);
    });
    this.a = a;
    this.b = b;
    this.helper = new Daemon(lab, helper, context.args);
    const toHelper = { key: this.helper.key, endpoint: `${HELPER_ADDRESS}:${NODE_PORT}`, tcp: `${HELPER_ADDRESS}:443` };
    a.configure({ peers: [toHelper, { key: b.key }] });
    b.configure({ peers: [toHelper, { key: a.key }] });
    this.helper.configure({ listen: { tcp: ['0.0.0.0:443'] }, peers: [{ key: a.key }, { key: b.key }] });
  }

  /** What a mapping lives without a datagram. */
  static readonly mappingLifeMs = MAPPING_LIFE_S * 1_000;

  async start(): Promise<void> {
    for (const daemon of [this.helper, this.a, this.b]) await daemon.start();
    for (const box of [this.a, this.b]) {
      await until(
        `${box.host.name} linked with the helper`,
        DEADLINE_MS,
        () => isLinked(box, this.helper),
        () => box.tail(),
      );
    }
  }

  /** After how many ms the boxes have a link of their own; undefined: not within `withinMs`. */
  async directLinkMs(withinMs: number): Promise<number | undefined> {
    const from = performance.now();
    try {
      await until('a direct link', withinMs, async () => (await isLinked(this.a, this.b)) && isLinked(this.b, this.a));
    } catch {
      return undefined;
    }
    return Math.round(performance.now() - from);
  }

  /** Whether the first box has its link with the helper in a TCP stream. */
  async isInStream(): Promise<boolean> {
    const { links } = await this.a.ask('links', {});
    return links.some(({ key, endpoint }) => key === this.helper.key && endpoint?.startsWith('tcp:'));
  }

  /** Round trips from one box to the other over whatever way there is; null for each that was lost. */
  async ping(count: number): Promise<(number | null)[]> {
    await until(
      'a path',
      DEADLINE_MS,
      () => this.a.ask('ping', { key: this.b.key, count: 1 }),
      () => this.a.tail(),
    );
    return (await this.a.ask('ping', { key: this.b.key, count })).rtts_ms;
  }
}

async function isLinked(from: Daemon, to: Daemon): Promise<boolean> {
  const { links } = await from.ask('links', {});
  return links.some(({ key, state }) => key === to.key && state === 'up');
}
