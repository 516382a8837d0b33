/**
 * Why a route could not be set up or ended before its time (docs/protocol.md section 5, "Failure"). The message inside
 * the error onion is the code, u16.
 */
import { readU16, writeU16 } from '../base/bytes.ts';

const CODE_OF = {
  'no-such-link': 0x0001,
  'no-such-service': 0x0002,
  expired: 0x0003,
  limit: 0x0004,
  'next-hop-forgot': 0x0005,
  refused: 0x0006,
  malformed: 0x0007,
} as const;

/** What a hop may say. */
export type FailureName = keyof typeof CODE_OF;
/** `unreadable`: what came back was sealed by no hop of the path, or says a code without a name. */
export type RouteFailure = FailureName | 'unreadable';

const NAME_OF = new Map<number, FailureName>(
  Object.entries(CODE_OF).map(([name, code]) => [code, name as FailureName]),
);

export function encodeFailure(name: FailureName): Uint8Array {
  const message = new Uint8Array(2);
  writeU16(message, 0, CODE_OF[name]);
  return message;
}

/** Bytes behind the code are for later versions to explain it with, and are ignored. */
export function parseFailure(message: Uint8Array): RouteFailure {
  if (message.length < 2) return 'unreadable';
  return NAME_OF.get(readU16(message, 0)) ?? 'unreadable';
}
