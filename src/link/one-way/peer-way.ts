/**
 * Where a peer may be, and which way datagrams take to it. What to do is decided in direction.ts; here back channels are
 * opened and closed, and addresses kept (docs/protocol.md section 2.4).
 *
 * An address is where the peer itself is: where its present session was heard, where it was heard last, where others say that
 * it is, and where it is configured, first and others. What comes through a back channel says nothing about that. A handshake
 * tries them all. Who sends to a peer that answers through a back channel has one only, and never learns that it is wrong: what others
 * say, who may reach the peer on another cable, is the last that he takes.
 *
 * Timers: those of direction.ts; where the peer was heard, and what others said, is forgotten after 60 s.
 */
import { equal } from '../../base/bytes.ts';
import type { NodeKey } from '../../base/ids.ts';
import type { LinkContext } from '../context.ts';
import { isBackEndpoint } from './back-endpoint.ts';
import { Direction, type LinkDirection } from './direction.ts';

export interface PeerWayOptions {
  readonly context: LinkContext;
  readonly peer: NodeKey;
  readonly configuredEndpoint: Uint8Array | undefined;
  /** Others, likeliest first. */
  readonly fallbackEndpoints: readonly Uint8Array[];
  readonly configuredDirection: LinkDirection;
  /** Of the session that carries the link. */
  readonly presentAddress: () => Uint8Array | undefined;
  /** Our datagrams go another way from now on: through this back channel, or to the peer's address. */
  readonly changed: (back: Uint8Array | undefined, now: number) => void;
}

interface Whereabouts {
  readonly address: Uint8Array | undefined;
  readonly until: number;
}

const NOWHERE: Whereabouts = { address: undefined, until: Number.NEGATIVE_INFINITY };

export class PeerWay {
  private readonly options: PeerWayOptions;
  private machine: Direction;
  private backEndpoint: Uint8Array | undefined;
  private heard = NOWHERE;
  private told = NOWHERE;

  constructor(options: PeerWayOptions) {
    this.options = options;
    this.machine = new Direction(options.configuredDirection);
  }

  get direction(): Direction {
    return this.machine;
  }

  /** The back channel to the peer while our datagrams take it. */
  get back(): Uint8Array | undefined {
    return this.backEndpoint;
  }

  /** The peer was heard there. */
  remember(endpoint: Uint8Array, now: number): void {
    if (!isBackEndpoint(endpoint, 0)) this.heard = this.whereabouts(endpoint, now);
  }

  /** Somebody says that the peer is there. */
  hearOf(endpoint: Uint8Array, now: number): void {
    this.told = this.whereabouts(endpoint, now);
  }

  /** Where the peer itself may be, likeliest first. */
  addresses(now: number): Uint8Array[] {
    const [heard, told] = [lately(this.heard, now), lately(this.told, now)];
    const [newer, older] = this.told.until > this.heard.until ? [told, heard] : [heard, told];
    const { presentAddress, configuredEndpoint, fallbackEndpoints } = this.options;
    return direct(presentAddress(), newer, older, configuredEndpoint, ...fallbackEndpoints);
  }

  /** Where a handshake may reach the peer, likeliest first. */
  endpoints(now: number): Uint8Array[] {
    return distinct(this.backEndpoint, ...(this.machine.mayBeDirect ? this.addresses(now) : []));
  }

  /**
   * The address of a peer whose handshake came from `endpoint`. For one that came through a back channel an address that
   * was known before is taken; undefined when there is none, unless none is needed.
   */
  addressFor(endpoint: Uint8Array, now: number): Uint8Array | undefined {
    if (!isBackEndpoint(endpoint, 0)) return endpoint;
    const { presentAddress, configuredEndpoint, fallbackEndpoints } = this.options;
    const [heard, told] = [lately(this.heard, now), lately(this.told, now)];
    return direct(presentAddress(), heard, configuredEndpoint, ...fallbackEndpoints, told)[0] ?? this.backEndpoint;
  }

  isAt(endpoint: Uint8Array, now: number): boolean {
    return this.addresses(now).some((known) => equal(known, endpoint));
  }

  /** What to send now: `ping`, a PING the way everything goes; `trial`, one to the peer's address. */
  wake(now: number, isUp: boolean, probeTimeoutMs: number): 'ping' | 'trial' | undefined {
    const task = this.machine.wake(now, isUp, probeTimeoutMs);
    if (task === 'seek') this.seek(now);
    else if (this.backEndpoint !== undefined && !this.machine.isBack) this.goDirect(now);
    return task === 'seek' ? undefined : task;
  }

  nextWakeAt(isUp: boolean): number {
    if (this.backEndpoint !== undefined && !this.machine.isBack) return 0;
    return this.machine.nextWakeAt(isUp);
  }

  /** Everything with this peer is over. */
  forget(now: number): void {
    const { context, peer, configuredDirection } = this.options;
    this.machine = new Direction(configuredDirection);
    if (this.backEndpoint !== undefined) context.backChannels.close(peer, now);
    this.backEndpoint = undefined;
  }

  private whereabouts(endpoint: Uint8Array, now: number): Whereabouts {
    return { address: endpoint.slice(), until: now + this.options.context.tuning.lastEndpointLifeMs };
  }

  private seek(now: number): void {
    const { context, peer, changed } = this.options;
    const endpoint = context.backChannels.open(peer, now);
    if (endpoint === undefined) return;
    this.backEndpoint = endpoint;
    this.machine.found(now);
    changed(endpoint, now);
  }

  private goDirect(now: number): void {
    const { context, peer, changed } = this.options;
    this.backEndpoint = undefined;
    context.backChannels.close(peer, now);
    changed(undefined, now);
  }
}

function lately({ address, until }: Whereabouts, now: number): Uint8Array | undefined {
  return now < until ? address : undefined;
}

/** Those that are addresses, without repeats, in order. */
function direct(...endpoints: (Uint8Array | undefined)[]): Uint8Array[] {
  return distinct(...endpoints).filter((endpoint) => !isBackEndpoint(endpoint, 0));
}

/** Endpoints without repeats, in order. */
function distinct(...endpoints: (Uint8Array | undefined)[]): Uint8Array[] {
  const kept: Uint8Array[] = [];
  for (const endpoint of endpoints) {
    if (endpoint !== undefined && !kept.some((known) => equal(known, endpoint))) kept.push(endpoint);
  }
  return kept;
}
