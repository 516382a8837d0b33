/**
 * Boxes on random segments, cables and switches, with nothing configured on them: no addresses, no peers. One box is the gateway and
 * has an uplink; behind each of the others sits a laptop.
 *
 *   laptop-1 ── box-1 ──┐
 *   laptop-2 ── box-2 ──┤ switch ├── box-3 ──cable── box-0, the gateway ──eth0── internet
 *                       └────────┘     └── laptop-3
 */
import type { RunContext } from '../../../scripts/run-contract.ts';
import { SeededRandom } from '../../../src/base/seeded-random.ts';
import { Daemon } from './daemon.ts';
import { type Host, Lab } from './lab.ts';

export const SERVER_ADDRESS = '198.51.100.80';
const MOST_ON_A_SWITCH = 4;
const DEAF = `table inet deaf {
  chain input {
    type filter hook input priority -300;
    udp dport 6970 counter drop
  }
}
`;

export interface Box {
  readonly daemon: Daemon;
  /** Undefined at the gateway. */
  readonly laptop: Host | undefined;
}

/** The boxes on one segment, by index. */
export type SegmentPlan = readonly number[];

/** Segments that join all boxes: each new box is put on a segment with one that is there, then some get one more. */
export function planSegments(random: SeededRandom, boxes: number, extra: number): SegmentPlan[] {
  const segments: number[][] = [];
  for (let box = 1; box < boxes; box++) {
    const open = segments.filter((segment) => segment.length < MOST_ON_A_SWITCH);
    if (open.length > 0 && random.chance(0.4)) random.pick(open).push(box);
    else segments.push([random.integer(box), box]);
  }
  for (let i = 0; i < extra; i++) {
    const [a, b] = [random.integer(boxes), random.integer(boxes)];
    if (a !== b) segments.push([a, b]);
  }
  return segments;
}

export class RandomSegments {
  readonly lab: Lab;
  readonly boxes: readonly Box[];
  readonly segments: readonly SegmentPlan[];

  /** Lays the cables and makes the keys; nothing of ours runs yet. Every third segment has IPv4 only. */
  constructor(context: RunContext, plan: { readonly seed: number; readonly boxes: number; readonly extra: number }) {
    this.lab = new Lab(context);
    this.segments = planSegments(new SeededRandom(plan.seed, 'segments'), plan.boxes, plan.extra);
    this.boxes = Array.from({ length: plan.boxes }, (_, index) => this.addBox(index, context.args));
    for (const [number, segment] of this.segments.entries()) this.lay(number, segment);
  }

  get gateway(): Box {
    return this.boxes[0];
  }

  /** From now on no beacon gets into a box, as on switches and access points that lose multicast. */
  dropBeacons(): void {
    for (const { daemon } of this.boxes) daemon.host.run('nft', DEAF);
  }

  /** How many there were. */
  beaconsDropped(): number {
    const counts = this.boxes.map(({ daemon }) => daemon.host.run('nft', 'list', 'table', 'inet', 'deaf'));
    return counts.reduce((sum, text) => sum + Number(/packets (\d+)/.exec(text)![1]), 0);
  }

  readonly tails = () => this.boxes.map(({ daemon }) => daemon.tail()).join('\n');

  private addBox(index: number, args: readonly string[]): Box {
    const { lab } = this;
    const host = lab.addHost(`box-${index}`);
    const daemon = new Daemon(lab, host, args);
    // Only the LAN is left out: everything else is a place where others may be.
    const discovery = { accept: 'segment' };
    if (index === 0) {
      this.addInternet(host);
      const gateway = { enable: true, pool: '10.64.0.0/16', uplink: 'eth0', dns: '192.0.2.53' };
      daemon.configure({ peers: [], discovery, gateway });
      return { daemon, laptop: undefined };
    }
    const laptop = lab.addHost(`laptop-${index}`);
    lab.connect({ host: laptop, device: 'eth0', addresses: ['192.168.42.250/24'] }, { host, device: 'lan0' });
    laptop.addRoute('default', '192.168.42.1');
    daemon.configure({
      peers: [],
      discovery,
      lan: { interface: 'lan0', address: '192.168.42.1/24', dhcp: false },
      tunnel: { gateway: 'auto' },
    });
    return { daemon, laptop };
  }

  private addInternet(gateway: Host): void {
    const internet = this.lab.addHost('internet');
    const plug = { host: gateway, device: 'eth0', addresses: ['203.0.113.2/24'] };
    this.lab.connect(plug, { host: internet, device: 'eth0', addresses: ['203.0.113.1/24'] });
    internet.addAddress('lo', `${SERVER_ADDRESS}/32`);
    gateway.addRoute('default', '203.0.113.1');
  }

  private lay(number: number, segment: SegmentPlan): void {
    const plugs = segment.map((index) => ({ host: this.boxes[index].daemon.host, device: `seg${number}` }));
    const isIpv4Only = number % 3 === 2;
    if (plugs.length === 2) this.lab.connect(plugs[0], plugs[1]);
    else this.addSwitch(number, plugs);
    if (!isIpv4Only) return;
    for (const [place, { host, device }] of plugs.entries()) {
      host.sysctl(`net.ipv6.conf.${device}.disable_ipv6`, 1);
      host.addAddress(device, `10.77.${number}.${place + 1}/24`);
    }
  }

  private addSwitch(number: number, plugs: readonly { readonly host: Host; readonly device: string }[]): void {
    const host = this.lab.addHost(`switch-${number}`);
    host.run('ip', 'link', 'add', 'bridge', 'type', 'bridge');
    host.setLink('bridge', 'up');
    for (const [place, plug] of plugs.entries()) {
      const port = { host, device: `port${place}` };
      this.lab.connect(plug, port);
      host.run('ip', 'link', 'set', port.device, 'master', 'bridge');
    }
  }
}
