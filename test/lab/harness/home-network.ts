/**
 * A home with three ways out (test/lab/example-one.ts): its own modem, the neighbour's by radio, and a business's fibre by two radio hops.
 *
 *                       ┌══════════════ own modem ══════════════════════┐
 *   laptop ──lan0── home ~~radio-1~~ neighbour ═══ his modem ═══════════╪══ gateway ──eth0── internet (iperf3 at 198.51.100.80)
 *                       └~~radio-2~~ roof ~~radio-3~~ business ══ fibre ┘
 *
 * Radio hops are cables of the impairment program with loss and jitter. On them nothing is configured: the boxes find each other by beacons. The way of each
 * line to the gateway is a peer in the configuration of the box that has the line. End a of a cable is the one nearer to the laptop.
 */
import type { RunContext } from '../../../scripts/run-contract.ts';
import { Daemon } from './daemon.ts';
import { NODE_PORT } from './demo-topology.ts';
import { type Cable, type CableSettings, Impairment } from './impairment.ts';
import { type Host, Lab } from './lab.ts';
import { until } from './until.ts';

export const SERVER_ADDRESS = '198.51.100.80';
const SEED = 1;
const CONNECT_DEADLINE_MS = 30_000;
/** 50 ms of queue, as modems and radios have it, but never less than eight frames. */
const queueBytes = (rateMbit: number) => Math.max(12_288, (rateMbit * 1e6 * 0.05) / 8);
const line = (rateMbit: number, delayMs: number): CableSettings => {
  return { rateMbit, delayMs, queueBytes: queueBytes(rateMbit) };
};
const radio = (rateMbit: number): CableSettings => ({ ...line(rateMbit, 2), jitterMs: 1, loss: RADIO_LOSS });

export const RADIO_LOSS = 0.01;
export const OWN_MODEM_MBIT = 8;
export const NEIGHBOUR_MODEM_MBIT = 6;
export const RADIO_MBIT = 12;
const FIBRE_MBIT = 100;

export interface HomeCables {
  readonly ownModem: Cable;
  readonly hisModem: Cable;
  readonly radio1: Cable;
  readonly radio2: Cable;
  readonly radio3: Cable;
  readonly fibre: Cable;
}

export class HomeNetwork {
  readonly laptop: Host;
  readonly internet: Host;
  readonly home: Daemon;
  readonly cables: HomeCables;
  private readonly others: readonly Daemon[];

  private constructor(laptop: Host, internet: Host, home: Daemon, others: readonly Daemon[], cables: HomeCables) {
    this.laptop = laptop;
    this.internet = internet;
    this.home = home;
    this.others = others;
    this.cables = cables;
  }

  static async lay(context: RunContext): Promise<HomeNetwork> {
    const lab = new Lab(context);
    const impairment = await Impairment.start(lab, SEED);
    const [laptop, internet] = [lab.addHost('laptop'), lab.addHost('internet')];
    const daemon = (name: string) => new Daemon(lab, lab.addHost(name), context.args);
    const [home, neighbour, roof] = [daemon('home'), daemon('neighbour'), daemon('roof')];
    const [business, gateway] = [daemon('business'), daemon('gateway')];
    const plug = (host: Host, device: string, address: string) => ({ host, device, addresses: [`${address}/24`] });
    lab.connect(plug(laptop, 'eth0', '192.168.42.250'), plug(home.host, 'lan0', '192.168.42.1'));
    lab.connect(plug(gateway.host, 'eth0', '203.0.113.2'), plug(internet, 'eth0', '203.0.113.1'));
    internet.addAddress('lo', `${SERVER_ADDRESS}/32`);
    laptop.addRoute('default', '192.168.42.1');
    gateway.host.addRoute('default', '203.0.113.1');
    const lay = (net: number, [a, deviceA]: [Daemon, string], [b, deviceB]: [Daemon, string], shape: CableSettings) => {
      return impairment.connect(
        plug(a.host, deviceA, `10.80.${net}.1`),
        plug(b.host, deviceB, `10.80.${net}.2`),
        shape,
      );
    };
    const cables = {
      ownModem: await lay(1, [home, 'modem'], [gateway, 'home'], line(OWN_MODEM_MBIT, 10)),
      hisModem: await lay(2, [neighbour, 'modem'], [gateway, 'neighbour'], line(NEIGHBOUR_MODEM_MBIT, 12)),
      radio1: await lay(3, [home, 'radio-1'], [neighbour, 'radio'], radio(RADIO_MBIT)),
      radio2: await lay(4, [home, 'radio-2'], [roof, 'radio-2'], radio(RADIO_MBIT)),
      radio3: await lay(5, [roof, 'radio-3'], [business, 'radio'], radio(RADIO_MBIT)),
      fibre: await lay(6, [business, 'fibre'], [gateway, 'business'], line(FIBRE_MBIT, 3)),
    };
    const overLine = (net: number) => [{ key: gateway.key, endpoint: `10.80.${net}.2:${NODE_PORT}` }];
    const onRadio = (...interfaces: string[]) => ({ interfaces, accept: 'segment' });
    home.configure({
      peers: overLine(1),
      discovery: onRadio('radio-1', 'radio-2'),
      lan: { interface: 'lan0', address: '192.168.42.1/24', dhcp: false },
      tunnel: { gateway: 'auto', routes: 3 },
    });
    neighbour.configure({ peers: overLine(2), discovery: onRadio('radio') });
    roof.configure({ peers: [], discovery: onRadio('radio-2', 'radio-3') });
    business.configure({ peers: overLine(6), discovery: onRadio('radio') });
    gateway.configure({
      peers: [home, neighbour, business].map(({ key }) => ({ key })),
      // Nobody asks the resolver anything: the lab knows addresses only.
      gateway: { enable: true, pool: '10.64.0.0/16', uplink: 'eth0', dns: '192.0.2.53' },
    });
    return new HomeNetwork(laptop, internet, home, [neighbour, roof, business, gateway], cables);
  }

  /** Starts every daemon; resolves when the home is connected over three routes, after so many ms. */
  async start(): Promise<number> {
    const daemons = [...this.others, this.home];
    this.home.loadFirewall();
    await Promise.all(daemons.map((daemon) => daemon.start()));
    const startedMs = performance.now();
    const ready = async () => {
      const { tunnel } = await this.home.ask('status', {});
      return tunnel.state === 'connected' && tunnel.routes_up === 3;
    };
    const tails = () => daemons.map((daemon) => daemon.tail()).join('\n');
    await until('the home connected over three routes', CONNECT_DEADLINE_MS, ready, tails);
    return Math.round(performance.now() - startedMs);
  }
}
