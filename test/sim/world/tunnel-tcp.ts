/** One TCP download through the tunnel of a simulated network: from a server behind the gateway to the laptop behind the miner. */
import type { PacketBatch } from '../../../src/base/datagram.ts';
import { PROTOCOL } from '../../../src/wire/ip.ts';
import type { Network } from './network.ts';
import { type TcpOptions, type TcpPort, TcpReceiver, TcpSender } from './tcp.ts';

/** Of a packet that fits the tunnel. */
export const MTU_BYTES = 1_340;
export const SERVER = ((93 << 24) | (184 << 16) | (216 << 8) | 34) >>> 0;
export const TCP_PORT = 5_001;

export const TCP_KINDS = {
  cubic: { congestion: 'cubic', lossBy: 'rack' },
  reno: { congestion: 'reno', lossBy: 'dup3' },
} as const;

export interface TunnelDownload {
  readonly sender: TcpSender;
  readonly receiver: TcpReceiver;
}

/** Starts sending at once. The miner has its lease. `onProgress` is told when payload arrived in order. */
export function startDownload(
  network: Network,
  kind: keyof typeof TCP_KINDS,
  onProgress: () => void = () => {},
): TunnelDownload {
  const options: TcpOptions = {
    ...TCP_KINDS[kind],
    mtuBytes: MTU_BYTES,
    source: SERVER,
    destination: network.address,
    port: TCP_PORT,
  };
  const sender = new TcpSender(options, portAt(network, 'internet'));
  const receiver = new TcpReceiver(options, portAt(network, 'laptop'));
  network.onPacket = (end, packet) => {
    if (packet[9] !== PROTOCOL.tcp) return;
    if (end === 'internet') return sender.receive(packet);
    const before = receiver.bytes;
    receiver.receive(packet);
    if (receiver.bytes > before) onProgress();
  };
  sender.start();
  return { sender, receiver };
}

function portAt(network: Network, end: 'laptop' | 'internet'): TcpPort {
  const { world } = network;
  return {
    get now() {
      return world.now;
    },
    at: (time, action) => world.at(time, action),
    // Not at once: the packet may be an answer to one that a node is just handing out.
    send: (packet) => {
      const copy = copyOf(packet);
      world.at(world.now, () => network.sendFrom(end, copy));
    },
  };
}

function copyOf({ arena, lengths }: PacketBatch): PacketBatch {
  const [length] = lengths;
  const single = { count: 1, offsets: new Uint32Array(1), segments: new Uint16Array(1) };
  return { ...single, arena: arena.slice(0, length), lengths: Uint32Array.of(length) };
}
