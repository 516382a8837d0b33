/** INIT as it is sent, and what answers it (docs/protocol.md section 2.1): the first two messages of a handshake, from the initiator's side. */
import { equalSecret, utf8 } from '../../base/bytes.ts';
import type { NodeKey } from '../../base/ids.ts';
import { mac1Key, mac16 } from '../../crypto/mac.ts';
import { XkInitiator } from '../../crypto/noise-xk.ts';
import {
  buildInit,
  ephemeralOf,
  type HandshakeDatagram,
  LINK_PROLOGUE,
  underMac1,
  writeMac1,
} from '../../wire/handshake.ts';
import { ephemeralSecret, type LinkContext } from '../context.ts';
import type { IndexAllocator } from '../index-table.ts';

const PROLOGUE = utf8(LINK_PROLOGUE);

export interface Opening {
  readonly localIndex: number;
  readonly noise: XkInitiator;
  readonly init: Uint8Array;
  readonly mac1: Uint8Array;
  readonly ephemeral: Uint8Array;
}

/** A fresh INIT for `peer`, under an index that names `owner`. */
export function openHandshake(context: LinkContext, indices: IndexAllocator, peer: NodeKey, owner: object): Opening {
  const { curve, identity } = context;
  const localSecret = identity.secret;
  const secret = ephemeralSecret(context);
  const noise = new XkInitiator({ curve, prologue: PROLOGUE, localSecret, remoteKey: peer, ephemeralSecret: secret });
  const localIndex = indices.add(owner);
  const actOne = noise.actOne();
  const init = buildInit(localIndex, actOne);
  const mac1 = mac16(mac1Key(peer), underMac1(init));
  writeMac1(init, mac1);
  return { localIndex, noise, init, mac1, ephemeral: ephemeralOf(actOne) };
}

/** Whether this RESPONSE was made by who has the peer's key, for this INIT; the name of the drop if not. */
export function readResponse(opening: Opening, datagram: HandshakeDatagram): 'ok' | string {
  const mac1 = mac16(mac1Key(opening.ephemeral), underMac1(datagram.bytes));
  if (!equalSecret(mac1, datagram.mac1)) return 'handshake-mac1';
  const read = opening.noise.readActTwo(datagram.body);
  return read === 'ok' ? 'ok' : `handshake-${read}`;
}
