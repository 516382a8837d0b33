/** A record as somebody heard or signed it, with what follows from its bytes alone, made when it is first asked for. */
import { toHex } from '../base/bytes.ts';
import type { KeyText } from '../base/ids.ts';
import { addressHash } from '../crypto/address.ts';
import type { NodeRecord, RecordLink } from '../wire/record.ts';

export class HeardRecord {
  /** Of the node. */
  readonly key: KeyText;
  readonly record: NodeRecord;
  /** As signed. */
  readonly bytes: Uint8Array;
  private hash: Uint8Array | undefined;
  private hashText: string | undefined;
  private said: ReadonlyMap<KeyText, RecordLink> | undefined;

  /** Keeps the bytes. */
  constructor(record: NodeRecord, bytes: Uint8Array) {
    this.key = toHex(record.node);
    this.record = record;
    this.bytes = bytes;
  }

  /** Of the node. */
  get addressHash(): Uint8Array {
    this.hash ??= addressHash(this.record.node);
    return this.hash;
  }

  get addressText(): string {
    this.hashText ??= toHex(this.addressHash);
    return this.hashText;
  }

  /** What the record says of its links, by the neighbour's key. */
  get links(): ReadonlyMap<KeyText, RecordLink> {
    this.said ??= new Map(this.record.links.map((link) => [toHex(link.key), link]));
    return this.said;
  }
}
