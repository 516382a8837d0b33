/**
 * A running daemon: opens what the configuration asks for, in an order in which nothing can leak, and closes it in reverse.
 *
 *   kill switch ─▶ UDP sockets, TCP streams ─▶ segments ─▶ LAN side (TUN, routes, dnsmasq) ─▶ gateway side (TUN, NAT) ─▶ node ─▶ radios ─▶ control socket
 *
 * The kill switch is never taken back (docs/decisions/fail-closed.md).
 */
import { randomFillSync } from 'node:crypto';
import { totalmem } from 'node:os';
import { fromHex } from '../base/bytes.ts';
import { STREAM_SOCKET } from '../base/datagram.ts';
import type { Log } from '../base/env.ts';
import { Failure } from '../base/failure.ts';
import type { NodeKey } from '../base/ids.ts';
import type { Config } from '../control/config.ts';
import { type Endpoint, formatEndpoint as formatConfigured } from '../control/ip-text.ts';
import { Node } from '../node/node.ts';
import type { NodeOptions, PeerOptions, TunnelOptions } from '../node/node-options.ts';
import { SplitTransport } from '../node/split-transport.ts';
import { ControlServer } from '../os/control-server.ts';
import type { Datapath, Offload, Tun, UdpSockets } from '../os/datapath.ts';
import { parseEndpoint, socketOf } from '../os/endpoint.ts';
import { HOTSPOT_INTERFACE } from '../os/hotspot-rules.ts';
import { NeighbourPace } from '../os/neighbour-pace.ts';
import { tunnelWays } from '../os/policy-chain.ts';
import { Segments } from '../os/segments.ts';
import { ensureDirectory } from '../os/store.ts';
import { isStreamEndpoint, TcpStreams } from '../os/tcp-streams.ts';
import { clientSecret } from './client-secrets.ts';
import { controlHandlers, wantedGateway } from './control-handlers.ts';
import { directExceptions } from './direct-exceptions.ts';
import { GatewaySide } from './gateway-side.ts';
import { readKeyFile } from './key-file.ts';
import { applyKillSwitch } from './kill-switch.ts';
import { LanSide } from './lan-side.ts';
import { openOffloadSide } from './offload-side.ts';
import { type PeerMemoryPorts, peerMemory } from './peer-memory.ts';
import { Runtime } from './runtime.ts';
import { type Sealing, sealingOn } from './sealing.ts';
import { WifiSide } from './wifi-side.ts';

/** Of the machine's memory: the rest is for the system, dnsmasq, and the daemon itself. */
const MOST_OF_MEMORY = 0.5;

export class Daemon {
  /** Called when the daemon can't go on; whoever started it stops it. */
  onFailure: (failure: Failure) => void = () => {};
  private readonly config: Config;
  private readonly datapath: Datapath;
  private readonly sealing: Sealing | undefined;
  private readonly log: Log;
  /** What undoes each step that was taken. */
  private readonly undo: (() => void | Promise<void>)[] = [];

  /** `sealing`: instead of choosing by the processors. */
  constructor(config: Config, datapath: Datapath, sealing: Sealing | undefined, log: Log) {
    this.config = config;
    this.datapath = datapath;
    this.sealing = sealing;
    this.log = log;
  }

  /** @throws Failure; what was opened is closed again */
  async start(): Promise<void> {
    try {
      await this.open();
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  async stop(): Promise<void> {
    for (let close = this.undo.pop(); close !== undefined; close = this.undo.pop()) {
      try {
        await close();
      } catch (error) {
        // The rest is to be closed all the same.
        this.log.write('warn', 'stop', { reason: String(error) });
      }
    }
  }

  private async open(): Promise<void> {
    const { config, datapath, log } = this;
    const { ownFirst, cap, price } = config.transit;
    const startedAt = performance.now();
    this.warnOfLargeBuffers();
    this.warnOfDirect();
    const secret = readKeyFile(config.node.keyFile, datapath.curve);
    await applyKillSwitch(config);
    ensureDirectory(config.node.stateDir);
    const udp = await datapath.openUdp(config.listen.udp);
    this.undo.push(() => udp.close());
    const peers = config.peers.map((peer) => peerOptions(peer, udp));
    const streams = new TcpStreams(
      peers.flatMap(({ fallbacks = [] }) => fallbacks.filter((one) => isStreamEndpoint(one, 0))),
    );
    this.undo.push(() => streams.close());
    await streams.listen(config.listen.tcp);
    this.hurryNeighbours();
    const offload = openOffloadSide(config, datapath, log);
    if (offload !== undefined) this.undo.push(() => offload.stop());
    const segments = this.openSegments(udp);
    const lan = config.lan === undefined ? undefined : await this.openLan();
    const gateway = config.gateway === undefined ? undefined : await this.openGateway();
    const node = new Node({
      secret,
      clock: { monotonicMs: () => performance.now(), wallMs: () => Date.now() },
      random: { fill: (bytes) => void randomFillSync(bytes) },
      log,
      curve: datapath.curve,
      cipher: offload?.cipher ?? datapath.cipher,
      pieces: datapath.pieces,
      sealing: sealingOn(udp, offload === undefined ? datapath.cipher : undefined, this.sealing, log),
      transport: new SplitTransport(udp, isStreamEndpoint, (batch, index) => streams.send(batch, index)),
      peers,
      buffersBytes: config.buffers.memoryBytes,
      transit: { ownFirst, ...(cap === undefined ? {} : { cap }) },
      price,
      discovery: {
        accept: config.discovery.accept,
        beacons: segments,
        socketOf: (family) => socketOf(udp.local, family),
        memory: this.openMemory(udp),
      },
      ...(lan === undefined ? {} : this.tunnels(lan)),
      ...(gateway === undefined ? {} : { gateway: gateway.options }),
    });
    const timer = datapath.openTimer();
    this.undo.push(() => timer.close());
    const runtime = new Runtime(node, {
      timer,
      udp,
      streams,
      lanTuns: lan?.tuns ?? [],
      gatewayTun: gateway?.tun,
      segments,
    });
    const wifi = config.wifi === undefined ? undefined : await this.openWifi(node, lan);
    const handlers = controlHandlers({ config, runtime, datapath, startedAt, lan, offload, wifi });
    const control = new ControlServer({ socketPath: config.control.socket, handlers, drops: node.drops, log });
    await control.start();
    this.undo.push(() => control.stop());
    runtime.start();
    this.undo.push(() => runtime.stop());
    log.write('info', 'ready', {
      name: config.node.name,
      address: node.identity.address,
      listen: config.listen.udp.map(formatConfigured).join(' '),
      offloads: offloadsOf([udp, ...(lan?.tuns ?? []), ...(gateway === undefined ? [] : [gateway.tun])]),
    });
  }

  /** A node that may not change it works all the same: after a silence it is back up to a second later. */
  private hurryNeighbours(): void {
    const pace = new NeighbourPace(this.config.lan?.interface);
    this.undo.push(() => pace.stop());
    try {
      pace.start();
    } catch (error) {
      if (!(error instanceof Failure) || error.code !== 'not-permitted') throw error;
      this.log.write('info', 'neighbour-pace', { reason: error.message });
    }
  }

  /** Not refused: a configuration may be checked, and even started, on another machine than it is for. */
  private warnOfLargeBuffers(): void {
    const { memoryBytes } = this.config.buffers;
    if (memoryBytes <= totalmem() * MOST_OF_MEMORY) return;
    this.log.write('warn', 'buffers-large', {
      configured_bytes: memoryBytes,
      machine_bytes: totalmem(),
      remedy: 'make [buffers] memory smaller, or the system may end the daemon when the buffers fill',
    });
  }

  /** What leaves the tunnel by the user's own wish is said each time. */
  private warnOfDirect(): void {
    for (const exception of directExceptions(this.config)) this.log.write('warn', 'direct', { exception });
  }

  private openSegments(udp: UdpSockets): Segments {
    const { discovery, lan } = this.config;
    const except = [HOTSPOT_INTERFACE, ...(lan === undefined ? [] : [lan.interface])];
    const segments = new Segments({ interfaces: discovery.interfaces, except, local: udp.local, log: this.log });
    this.undo.push(() => segments.close());
    return segments;
  }

  private openMemory(udp: UdpSockets): PeerMemoryPorts {
    const memory = peerMemory(this.config.node.stateDir, udp.local, this.log);
    this.undo.push(() => memory.flush());
    return memory;
  }

  private async openLan(): Promise<LanSide> {
    const { config, log } = this;
    const tuns: Tun[] = [];
    for (const { tun } of tunnelWays(config.policy, config.tunnel.interface)) {
      tuns.push(await this.openTun(tun, config.tunnel.mtuBytes));
    }
    const lan = new LanSide(config, tuns, log);
    this.undo.push(() => lan.stop());
    await lan.start();
    return lan;
  }

  private async openGateway(): Promise<GatewaySide> {
    const { config, log } = this;
    const tun = await this.openTun(config.gateway!.interface, config.tunnel.mtuBytes);
    const gateway = new GatewaySide(config, tun, log);
    this.undo.push(() => gateway.stop());
    await gateway.start();
    return gateway;
  }

  private async openWifi(node: Node, lan: LanSide | undefined): Promise<WifiSide> {
    const wifi = new WifiSide(this.config, this.log);
    this.undo.push(() => wifi.stop());
    await wifi.start(node, async () => lan?.hotspotMade());
    return wifi;
  }

  private async openTun(name: string, mtuBytes: number): Promise<Tun> {
    const tun = await this.datapath.openTun(name, mtuBytes);
    this.undo.push(() => tun.close());
    tun.onFailure((failure) => this.onFailure(failure));
    return tun;
  }

  /** The tunnel, and one beside it for each gateway that the user's rules name. */
  private tunnels(lan: LanSide): Pick<NodeOptions, 'tunnel' | 'besides'> {
    const { policy, tunnel } = this.config;
    const ways = tunnelWays(policy, tunnel.interface);
    const [main, ...besides] = ways.map(({ gateway }, i) => this.tunnelOptions(lan, i, gateway ?? tunnel.gateway));
    return { tunnel: main, besides };
  }

  private tunnelOptions(lan: LanSide, way: number, gateway: string): TunnelOptions {
    const { config, datapath } = this;
    return {
      gateway: wantedGateway(gateway),
      routeCount: config.tunnel.routes,
      mtuBytes: config.tunnel.mtuBytes,
      deliveryMs: config.tunnel.deliveryMs,
      redundancy: config.tunnel.redundancy,
      sealsTwice: config.tunnel.sealsTwice,
      realTime: config.qos.realTime,
      hasPolicy: config.policy.length > 0,
      device: lan.tuns[way],
      ownNetworks: [config.lan!.address, ...(config.hotspot === undefined ? [] : [config.hotspot.address])],
      clientSecret: (service) => clientSecret(config.node.stateDir, service, way, datapath.curve),
      leased: (lease) => lan.leased(way, lease),
    };
  }
}

/** What any of the devices has, for the log. */
function offloadsOf(devices: readonly { readonly offloads: readonly Offload[] }[]): string {
  const found = new Set(devices.flatMap(({ offloads }) => offloads));
  return [...found].join(' ') || 'none';
}

/** @throws Failure config-invalid when no socket of the peer's address family is listened on */
function peerOptions(peer: Config['peers'][number], udp: UdpSockets): PeerOptions {
  const { deliveryMs, direction, tcp } = peer;
  const key = fromHex(peer.key) as NodeKey;
  // IPv6 first, as RFC 8305 has it: there is no address translation in between.
  const configured = [...(peer.endpoint === undefined ? [] : [peer.endpoint]), ...peer.alsoAt];
  const inOrder = configured.sort((a, b) => b.family - a.family).map((place) => udpEndpoint(place, udp));
  const stream = tcp === undefined ? [] : [parseEndpoint(formatConfigured(tcp), () => STREAM_SOCKET)!];
  if (inOrder.length === 0) return { key, endpoint: undefined, fallbacks: stream, deliveryMs, direction };
  return { key, endpoint: inOrder[0], fallbacks: [...inOrder.slice(1), ...stream], deliveryMs, direction };
}

function udpEndpoint(place: Endpoint, udp: UdpSockets): Uint8Array {
  const text = formatConfigured(place);
  const endpoint = parseEndpoint(text, (family) => socketOf(udp.local, family));
  if (endpoint !== undefined) return endpoint;
  const remedy = 'Add a socket of its address family to [listen] udp, like "0.0.0.0:6969" or "[::]:6969"';
  throw new Failure('config-invalid', `peer ${text} can't be reached from the sockets that are listened on`, remedy);
}
