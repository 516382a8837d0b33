/** What has to be done to a record before its content counts. Nothing of it depends on who reads: a simulation shares one reader between its nodes. */
import type { Curve } from '../crypto/curve.ts';
import { parseRecord } from '../wire/record.ts';
import { HeardRecord } from './heard-record.ts';
import { isSigned } from './record-signature.ts';

export interface RecordReader {
  /** Undefined when it is malformed. The bytes stay the caller's. */
  read(bytes: Uint8Array): HeardRecord | undefined;
  isSigned(heard: HeardRecord): boolean;
}

/** Reads and checks each record as if it were the first. */
export function recordReader(curve: Curve): RecordReader {
  return {
    read(bytes) {
      const record = parseRecord(bytes);
      return record === undefined ? undefined : new HeardRecord(record, bytes.slice());
    },
    isSigned: ({ record, bytes }) => isSigned(curve, record, bytes),
  };
}
