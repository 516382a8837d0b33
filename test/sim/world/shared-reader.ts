/**
 * Reads and checks each record once for all nodes of a simulation, by its bytes, and they hold it together. A bounded number is remembered, the latest;
 * an older one is read and checked anew.
 */
import type { Curve } from '../../../src/crypto/curve.ts';
import type { HeardRecord } from '../../../src/graph/heard-record.ts';
import { type RecordReader, recordReader } from '../../../src/graph/record-reader.ts';

const REMEMBERED_PER_NODE = 4;

export class SharedReader implements RecordReader {
  private readonly reader: RecordReader;
  private readonly most: number;
  /** By content, in the order in which they came up. */
  private readonly heard = new Map<string, HeardRecord>();
  private readonly signed = new WeakSet<HeardRecord>();

  constructor(curve: Curve, nodes: number) {
    this.reader = recordReader(curve);
    this.most = nodes * REMEMBERED_PER_NODE;
  }

  read(bytes: Uint8Array): HeardRecord | undefined {
    const content = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
    const known = this.heard.get(content);
    if (known !== undefined) return known;
    const heard = this.reader.read(bytes);
    if (heard === undefined) return undefined;
    this.heard.set(content, heard);
    for (const oldest of this.heard.keys()) {
      if (this.heard.size <= this.most) break;
      this.heard.delete(oldest);
    }
    return heard;
  }

  isSigned(heard: HeardRecord): boolean {
    if (this.signed.has(heard)) return true;
    const isSigned = this.reader.isSigned(heard);
    if (isSigned) this.signed.add(heard);
    return isSigned;
  }
}
