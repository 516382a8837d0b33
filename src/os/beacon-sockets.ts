/**
 * Multicast sockets for beacons (docs/protocol.md section 9.1). IPv6: one ear for each segment, bound to the group on that interface
 * alone, so the kernel says where a beacon came in. IPv4 can't be bound so: one ear for all, and the sender's network says it. Beacons leave
 * through sockets of their own, by IPv6 where the segment has it, else by IPv4.
 *
 * An ear that hears more than 100 datagrams in a second is closed until the second is over: then the kernel drops the rest, and a flood
 * costs the same however strong it is. This box still calls meanwhile, and is found.
 */
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import type { Log } from '../base/env.ts';
import { formatIpv4 } from '../control/ip-text.ts';
import type { BeaconPort } from '../discovery/ports.ts';
import { isOnSegment, type SegmentId } from '../discovery/segment.ts';
import { BEACON_IPV4_GROUP, BEACON_IPV6_GROUP, BEACON_UDP_PORT } from '../wire/beacon.ts';
import { encodeEndpoint } from './endpoint.ts';
import type { LocalSegment } from './segment-watch.ts';

const MOST_HEARD_PER_SECOND = 100;
const SECOND_MS = 1_000;

type Heard = (segment: SegmentId, endpoint: Uint8Array, bytes: Uint8Array) => void;

export interface BeaconSocketsOptions {
  readonly log: Log;
  readonly heard: Heard;
}

/** A socket that listens, and listens again when it was closed for hearing too much. */
class Ear {
  private readonly open: () => Socket;
  private readonly heard: (bytes: Uint8Array, from: RemoteInfo) => void;
  private socket: Socket | undefined;
  private count = 0;
  private readonly second: NodeJS.Timeout;

  constructor(open: () => Socket, heard: (bytes: Uint8Array, from: RemoteInfo) => void) {
    this.open = open;
    this.heard = heard;
    this.second = setInterval(() => this.listen(), SECOND_MS);
    this.listen();
  }

  close(): void {
    clearInterval(this.second);
    this.socket?.close();
    this.socket = undefined;
  }

  /** Also after an error: an address may not be ready yet when its interface comes up. */
  private listen(): void {
    this.count = 0;
    if (this.socket !== undefined) return;
    const socket = this.open();
    this.socket = socket;
    socket.on('message', (bytes, from) => {
      this.count += 1;
      if (this.count <= MOST_HEARD_PER_SECOND) this.heard(bytes, from);
      else this.deafen(socket);
    });
    socket.on('error', () => this.deafen(socket));
  }

  private deafen(socket: Socket): void {
    if (this.socket !== socket) return;
    this.socket = undefined;
    socket.close();
  }
}

interface Mouth {
  readonly socket: Socket;
  readonly group: string;
}

export class BeaconSockets implements BeaconPort {
  private readonly options: BeaconSocketsOptions;
  private segments: readonly LocalSegment[] = [];
  private readonly ears = new Map<SegmentId, Ear>();
  private ipv4Ear: Ear | undefined;
  private ipv4Networks = '';
  private readonly mouths = new Map<SegmentId, Mouth>();

  constructor(options: BeaconSocketsOptions) {
    this.options = options;
  }

  /** The segments to be heard and called into from now on. */
  setSegments(segments: readonly LocalSegment[]): void {
    this.segments = segments;
    for (const [id, ear] of this.ears) {
      if (segments.some((segment) => segment.id === id && segment.ipv6 !== undefined)) continue;
      ear.close();
      this.ears.delete(id);
    }
    for (const { id, ipv6 } of segments) {
      if (ipv6 !== undefined && !this.ears.has(id)) this.ears.set(id, this.openIpv6Ear(id));
    }
    this.openIpv4Ear();
    for (const { socket } of this.mouths.values()) socket.close();
    this.mouths.clear();
    for (const segment of segments) {
      const mouth = this.openMouth(segment);
      if (mouth !== undefined) this.mouths.set(segment.id, mouth);
    }
  }

  send(segment: SegmentId, beacon: Uint8Array): void {
    const mouth = this.mouths.get(segment);
    mouth?.socket.send(beacon, BEACON_UDP_PORT, mouth.group, (error) => {
      if (error !== null) this.options.log.write('debug', 'beacon-not-sent', { reason: error.message });
    });
  }

  close(): void {
    this.setSegments([]);
  }

  private openIpv6Ear(id: SegmentId): Ear {
    const open = (): Socket => {
      // As it is called by then: an ear outlives the renaming of its interface.
      const name = this.segments.find((segment) => segment.id === id)?.name;
      const socket = createSocket({ type: 'udp6', ipv6Only: true, reuseAddr: true });
      socket.bind({ address: `${BEACON_IPV6_GROUP}%${name}`, port: BEACON_UDP_PORT }, () => {
        attempt(socket, () => socket.addMembership(BEACON_IPV6_GROUP, `::%${name}`));
      });
      return socket;
    };
    return new Ear(open, (bytes, from) => this.hear(id, from, bytes));
  }

  /** One that has joined on every segment that has IPv4; opened anew when these change. */
  private openIpv4Ear(): void {
    const addresses = this.segments.flatMap(({ ipv4 }) =>
      ipv4 === undefined ? [] : [formatIpv4(ipv4.network.address)],
    );
    const networks = addresses.join();
    if (networks === this.ipv4Networks) return;
    this.ipv4Networks = networks;
    this.ipv4Ear?.close();
    this.ipv4Ear = undefined;
    if (addresses.length === 0) return;
    const open = (): Socket => {
      const socket = createSocket({ type: 'udp4', reuseAddr: true });
      socket.bind({ address: BEACON_IPV4_GROUP, port: BEACON_UDP_PORT }, () => {
        for (const address of addresses) attempt(socket, () => socket.addMembership(BEACON_IPV4_GROUP, address));
      });
      return socket;
    };
    this.ipv4Ear = new Ear(open, (bytes, from) => this.hear(undefined, from, bytes));
  }

  private openMouth({ name, ipv6, ipv4 }: LocalSegment): Mouth | undefined {
    if (ipv6 === undefined && ipv4 === undefined) return undefined;
    const socket = createSocket({ type: ipv6 === undefined ? 'udp4' : 'udp6' });
    socket.on('error', () => {});
    const address = ipv6 === undefined ? formatIpv4(ipv4!.network.address) : '::';
    socket.bind({ address, port: 0 }, () => {
      attempt(socket, () => {
        socket.setMulticastTTL(1);
        socket.setMulticastLoopback(false);
        if (ipv6 === undefined) socket.setMulticastInterface(address);
      });
    });
    return { socket, group: ipv6 === undefined ? BEACON_IPV4_GROUP : `${BEACON_IPV6_GROUP}%${name}` };
  }

  /** @param id where it came in; undefined: where its sender's network is */
  private hear(id: SegmentId | undefined, from: RemoteInfo, bytes: Uint8Array): void {
    const { heard } = this.options;
    const family = from.family === 'IPv6' ? 6 : 4;
    const endpoint = encodeEndpoint(0, family, from.address, from.port);
    if (endpoint === undefined) return;
    const segment = this.segments.find((known) => (id === undefined ? isOnSegment(known, endpoint) : known.id === id));
    const socket = family === 6 ? segment?.ipv6?.socket : segment?.ipv4?.socket;
    if (segment === undefined || socket === undefined) return;
    endpoint[0] = socket;
    heard(segment.id, endpoint, bytes);
  }
}

/** The interface may have gone since: then the next look at the segments says so. */
function attempt(socket: Socket, setUp: () => void): void {
  try {
    setUp();
  } catch (error) {
    socket.emit('error', error);
  }
}
