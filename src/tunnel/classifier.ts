/**
 * Which class and flow a packet from a TUN belongs to. Real Time is, as far as the operator lets it be (`[qos] real_time`):
 *
 *   dscp     what its program marked: EF (RFC 3246), CS5 to CS7 (RFC 2474), AF41 to AF43 (RFC 2597)
 *   icmp     pings, and the errors that a sender should hear soon
 *   dns      UDP port 53, either way. Over TCP it is a flow like others: Real Time keeps no order
 *   sparse   flows that send little (sparse-flows.ts)
 *
 * All else is Bulk. TCP is patient in either class: what it repeats after an outage is a packet now and then, with which the connection goes on
 * as soon as it arrives, or at the next one, after twice as long again. A treatment that the user chose for a flow (`[[policy]]`) goes before all of these. A flow is what its two addresses, protocol and ports name, hashed under a secret key. A fragment has no
 * ports but the first one does: all of them go by the rest, so that the parts of a packet stay together.
 *
 * On the packet path: reads in place, allocates nothing.
 */
import { writeU32 } from '../base/bytes.ts';
import type { RandomSource } from '../base/env.ts';
import { BULK, REAL_TIME, type TrafficClass } from '../base/traffic-class.ts';
import { KeyedHash } from '../crypto/keyed-hash.ts';
import { destinationOf, dscpOf, isFragment, PROTOCOL, portsOf, protocolOf, sourceOf } from '../wire/ip.ts';
import { TREATMENT, type Treatment } from '../wire/tunnel-message.ts';
import { FlowTreatments } from './flow-treatments.ts';
import type { Lane } from './session-port.ts';
import { SparseFlows } from './sparse-flows.ts';

export interface RealTimeRules {
  readonly dscp: boolean;
  readonly icmp: boolean;
  readonly dns: boolean;
  readonly sparse: boolean;
}

export const ALL_RULES: RealTimeRules = { dscp: true, icmp: true, dns: true, sparse: true };

/** CS5, EF, CS6, CS7, AF41, AF42, AF43. */
const REAL_TIME_CODE_POINTS: ReadonlySet<number> = new Set([40, 46, 48, 56, 34, 36, 38]);
const DNS_PORT = 53;
/** What KeyedHash takes: source, destination, ports, zero. */
const FLOW_NAME_BYTES = 16;

export class Classifier {
  private readonly rules: RealTimeRules;
  private readonly hash: KeyedHash;
  private readonly sparse = new SparseFlows();
  private readonly name = new Uint8Array(FLOW_NAME_BYTES);
  private readonly lane: { trafficClass: TrafficClass; flow: number; twice: boolean; patient: boolean } = {
    trafficClass: BULK,
    flow: 0,
    twice: false,
    patient: false,
  };
  /** Of the answers to packets that were `noted`. */
  private readonly answers = new FlowTreatments();

  constructor(random: RandomSource, rules: RealTimeRules = ALL_RULES) {
    this.rules = rules;
    this.hash = new KeyedHash(random);
  }

  /**
   * The lane of an IPv4 packet of `length` bytes at `at` that `ipv4Problem` found nothing wrong with. The object is the
   * same each time: it is valid until the next call.
   */
  classify(packet: Uint8Array, at: number, length: number, now: number, chosen: Treatment = TREATMENT.own): Lane {
    const { lane } = this;
    const whole = !isFragment(packet, at);
    const ports = whole ? (portsOf(packet, at, length) ?? 0) : 0;
    lane.flow = this.flowOf(protocolOf(packet, at), sourceOf(packet, at), destinationOf(packet, at), ports);
    const treatment = chosen === TREATMENT.own ? this.answers.of(lane.flow, now) : chosen;
    const isRealTime =
      treatment === TREATMENT.own
        ? this.isUrgent(packet, at, ports) || (whole && this.isSparse(packet, at, length, now))
        : treatment !== TREATMENT.highThroughput;
    lane.trafficClass = isRealTime ? REAL_TIME : BULK;
    lane.twice = treatment === TREATMENT.redundant;
    lane.patient = protocolOf(packet, at) === PROTOCOL.tcp;
    return lane;
  }

  /** The answers to this packet, which goes the other way, are to be treated so. */
  noteAnswers(packet: Uint8Array, at: number, length: number, treatment: Treatment, now: number): void {
    const ports = isFragment(packet, at) ? 0 : (portsOf(packet, at, length) ?? 0);
    const swapped = ((ports << 16) | (ports >>> 16)) >>> 0;
    const flow = this.flowOf(protocolOf(packet, at), destinationOf(packet, at), sourceOf(packet, at), swapped);
    this.answers.note(flow, treatment, now);
  }

  private flowOf(protocol: number, source: number, destination: number, ports: number): number {
    const { name } = this;
    writeU32(name, 0, source);
    writeU32(name, 4, destination);
    writeU32(name, 8, ports);
    return this.hash.hash(protocol, name, 0);
  }

  /** By what one packet shows. */
  private isUrgent(packet: Uint8Array, at: number, ports: number): boolean {
    const { rules } = this;
    if (rules.dscp && REAL_TIME_CODE_POINTS.has(dscpOf(packet, at))) return true;
    switch (protocolOf(packet, at)) {
      case PROTOCOL.icmp:
        return rules.icmp;
      case PROTOCOL.udp:
        return rules.dns && (ports >>> 16 === DNS_PORT || (ports & 0xffff) === DNS_PORT);
      default:
        return false;
    }
  }

  /** By what its flow has sent. A fragment is a part of a large packet, and counted to nobody. */
  private isSparse(packet: Uint8Array, at: number, length: number, now: number): boolean {
    if (!this.rules.sparse) return false;
    return this.sparse.count(this.lane.flow, length, protocolOf(packet, at) === PROTOCOL.tcp, now);
  }
}
