/**
 * A gateway's addresses and who has them. A lease is bound to a client key, so that a miner finds its address again after a
 * restart of either side, and its laptop's connections go on.
 *
 * A client without a lease gets, in this order: the address that it wants if that is free, or the free address next to
 * the place that a hash of its key points to. So even a gateway that lost its file gives out the same addresses, as long
 * as they do not collide. Network, broadcast and the gateway's own address are never given out. A lease ends at its
 * expiry (wall clock, because it is kept over restarts) unless it is renewed; at most MAX_LEASES are remembered.
 */
import { toHex } from '../base/bytes.ts';
import type { KeyText } from '../base/ids.ts';
import { broadcastAddress, formatIpv4, networkAddress, parseIpv4 } from '../control/ip-text.ts';
import type { Ipv4Prefix } from '../wire/ip.ts';

export interface PoolLease {
  readonly clientKey: KeyText;
  readonly address: number;
  expiresWallMs: number;
}

export class LeasePool {
  readonly gateway: number;
  /** How many addresses can be leased. */
  readonly size: number;
  private readonly firstClient: number;
  private readonly leaseMs: number;
  private readonly maxLeases: number;
  private readonly byKey = new Map<KeyText, PoolLease>();
  private readonly byAddress = new Map<number, PoolLease>();

  constructor(options: { pool: Ipv4Prefix; leaseSeconds: number; maxLeases: number }) {
    this.gateway = networkAddress(options.pool) + 1;
    this.firstClient = this.gateway + 1;
    this.size = Math.max(0, broadcastAddress(options.pool) - this.firstClient);
    this.leaseMs = options.leaseSeconds * 1_000;
    this.maxLeases = options.maxLeases;
  }

  get count(): number {
    return this.byKey.size;
  }

  /** The client's lease, unless it is over. */
  find(clientKey: Uint8Array, wallMs: number): PoolLease | undefined {
    const lease = this.byKey.get(toHex(clientKey));
    return lease !== undefined && lease.expiresWallMs > wallMs ? lease : undefined;
  }

  /** Renews the client's lease or makes one; undefined when the pool or the table is full. `wanted` may be zero. */
  request(clientKey: Uint8Array, wanted: number, wallMs: number): { lease: PoolLease; isNew: boolean } | undefined {
    const key = toHex(clientKey);
    const known = this.byKey.get(key);
    if (known !== undefined) {
      known.expiresWallMs = wallMs + this.leaseMs;
      return { lease: known, isNew: false };
    }
    if (this.count >= Math.min(this.size, this.maxLeases) && this.sweep(wallMs) === 0) return undefined;
    const address = this.isFree(wanted) ? wanted : this.freeAddressNear(clientKey);
    const lease = { clientKey: key, address, expiresWallMs: wallMs + this.leaseMs };
    this.add(lease);
    return { lease, isNew: true };
  }

  /** Forgets the leases that are over; returns how many. */
  sweep(wallMs: number): number {
    let swept = 0;
    for (const lease of this.byKey.values()) {
      if (lease.expiresWallMs > wallMs) continue;
      this.byKey.delete(lease.clientKey);
      this.byAddress.delete(lease.address);
      swept++;
    }
    return swept;
  }

  /** One line a lease: address, client key, expiry in Unix milliseconds. */
  toLines(): string[] {
    return Array.from(
      this.byKey.values(),
      (lease) => `${formatIpv4(lease.address)} ${lease.clientKey} ${Math.round(lease.expiresWallMs)}`,
    );
  }

  /** Takes in what `toLines` gave; returns how many lines it could not use (broken, outside the pool, taken, too many). */
  addLines(lines: readonly string[]): number {
    let unusable = 0;
    for (const line of lines) {
      const match = /^(\S+) ([0-9a-f]{66}) (\d{1,15})$/.exec(line);
      const address = match === null ? undefined : parseIpv4(match[1]);
      if (match === null || address === undefined || !this.isFree(address) || !this.hasRoomFor(match[2])) {
        unusable++;
      } else {
        this.add({ clientKey: match[2], address, expiresWallMs: Number(match[3]) });
      }
    }
    return unusable;
  }

  private hasRoomFor(clientKey: KeyText): boolean {
    return this.count < this.maxLeases && !this.byKey.has(clientKey);
  }

  private add(lease: PoolLease): void {
    this.byKey.set(lease.clientKey, lease);
    this.byAddress.set(lease.address, lease);
  }

  private isFree(address: number): boolean {
    const place = address - this.firstClient;
    return place >= 0 && place < this.size && !this.byAddress.has(address);
  }

  /** There is one: `request` made sure that fewer addresses are taken than there are. */
  private freeAddressNear(clientKey: Uint8Array): number {
    let place = hashOf(clientKey) % this.size;
    while (this.byAddress.has(this.firstClient + place)) place = (place + 1) % this.size;
    return this.firstClient + place;
  }
}

/** FNV-1a. Spreads keys over the pool; who chooses a key to collide only chooses another free address for itself. */
function hashOf(bytes: Uint8Array): number {
  let hash = 0x811c9dc5;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash >>> 0;
}
