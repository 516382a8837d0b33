/**
 * Noise_XK_secp256k1_ChaChaPoly_SHA256 as BOLT-8 has it: the handshake of a link (docs/protocol.md section 2.1). The
 * initiator knows the responder's key; its own travels sealed in the last act.
 *
 *   act one    version 0 (1) | e (33) | tag (16)                      es
 *   act two    version 0 (1) | e (33) | tag (16)                      ee
 *   act three  version 0 (1) | sealed static key (33 + 16) | tag (16) se
 *
 * Initiator: start -> offered (actOne) -> answered (readActTwo) -> done (actThree).
 * Responder: start -> offered (readActOne) -> answered (actTwo) -> done (readActThree).
 *
 * A method called out of turn is a programmer error. Bytes that don't verify leave the handshake as it was, so the
 * right ones may still come. No timers here: the link repeats and gives up.
 *
 * The ephemeral secret handed in belongs to the handshake from then on, and is wiped when it is done or given up.
 */
import { assert } from '../base/assert.ts';
import { concat, wipe } from '../base/bytes.ts';
import type { SecretKey } from '../base/ids.ts';
import { TAG_BYTES } from './cipher.ts';
import type { Curve } from './curve.ts';
import { EMPTY, type NoiseDrop, type SessionKeys, SymmetricState } from './symmetric-state.ts';

export type { NoiseDrop, SessionKeys } from './symmetric-state.ts';

const PROTOCOL = 'Noise_XK_secp256k1_ChaChaPoly_SHA256';
const VERSION = Uint8Array.of(0);
const POINT_BYTES = 33;
const SEALED_KEY_END = 1 + POINT_BYTES + TAG_BYTES;
export const ACT_ONE_BYTES = 1 + POINT_BYTES + TAG_BYTES;
export const ACT_TWO_BYTES = ACT_ONE_BYTES;
export const ACT_THREE_BYTES = SEALED_KEY_END + TAG_BYTES;

export interface XkInitiatorOptions {
  readonly curve: Curve;
  readonly prologue: Uint8Array;
  readonly localSecret: SecretKey;
  /** The responder's key, a point (33). */
  readonly remoteKey: Uint8Array;
  readonly ephemeralSecret: SecretKey;
}

export type XkResponderOptions = Omit<XkInitiatorOptions, 'remoteKey'>;

type Stage = 'start' | 'offered' | 'answered' | 'done';

export class XkInitiator {
  private readonly options: XkInitiatorOptions;
  private stage: Stage = 'start';
  private state: SymmetricState;
  private remoteEphemeral: Uint8Array = EMPTY;
  private sessionKeys: SessionKeys | undefined;

  constructor(options: XkInitiatorOptions) {
    this.options = options;
    this.state = SymmetricState.begin(PROTOCOL, options.prologue);
  }

  /** 50 bytes. */
  actOne(): Uint8Array {
    assert(this.stage === 'start', 'act one comes first');
    const { curve, remoteKey, ephemeralSecret } = this.options;
    this.stage = 'offered';
    this.state.mixHash(remoteKey);
    const ephemeral = curve.publicKey(ephemeralSecret);
    this.state.mixHash(ephemeral);
    assert(this.state.mixDh(curve, ephemeralSecret, remoteKey), 'the remote key is a point');
    return concat(VERSION, ephemeral, this.state.encrypt(EMPTY));
  }

  readActTwo(bytes: Uint8Array): 'ok' | NoiseDrop {
    assert(this.stage === 'offered', 'act two answers act one');
    const read = readEphemeralAct(this.options.curve, this.state, this.options.ephemeralSecret, bytes);
    if (typeof read === 'string') return read;
    this.state = read.state;
    this.remoteEphemeral = read.ephemeral;
    this.stage = 'answered';
    return 'ok';
  }

  /** 66 bytes; from now on `keys()` answers. */
  actThree(): Uint8Array {
    assert(this.stage === 'answered', 'act three follows act two');
    const { curve, localSecret, ephemeralSecret } = this.options;
    this.stage = 'done';
    const sealedKey = this.state.encrypt(curve.publicKey(localSecret));
    assert(this.state.mixDh(curve, localSecret, this.remoteEphemeral), 'act two was read with this point');
    const act = concat(VERSION, sealedKey, this.state.encrypt(EMPTY));
    this.sessionKeys = this.state.split();
    wipe(ephemeralSecret);
    return act;
  }

  keys(): SessionKeys {
    assert(this.sessionKeys !== undefined, 'keys exist after act three');
    return this.sessionKeys;
  }

  /** Gives the handshake up: nothing of it is left in memory. Keys already handed out stay. */
  wipe(): void {
    this.stage = 'done';
    this.state.wipe();
    wipe(this.options.ephemeralSecret);
  }
}

export class XkResponder {
  private readonly options: XkResponderOptions;
  private stage: Stage = 'start';
  private state: SymmetricState;
  private remoteEphemeral: Uint8Array = EMPTY;
  private sessionKeys: SessionKeys | undefined;

  constructor(options: XkResponderOptions) {
    this.options = options;
    this.state = SymmetricState.begin(PROTOCOL, options.prologue);
  }

  readActOne(bytes: Uint8Array): 'ok' | NoiseDrop {
    assert(this.stage === 'start', 'act one comes first');
    const { curve, localSecret } = this.options;
    const state = this.state.fork();
    state.mixHash(curve.publicKey(localSecret));
    const read = readEphemeralAct(curve, state, localSecret, bytes);
    if (typeof read === 'string') return read;
    this.state = read.state;
    this.remoteEphemeral = read.ephemeral;
    this.stage = 'offered';
    return 'ok';
  }

  /** 50 bytes. */
  actTwo(): Uint8Array {
    assert(this.stage === 'offered', 'act two answers act one');
    const { curve, ephemeralSecret } = this.options;
    this.stage = 'answered';
    const ephemeral = curve.publicKey(ephemeralSecret);
    this.state.mixHash(ephemeral);
    assert(this.state.mixDh(curve, ephemeralSecret, this.remoteEphemeral), 'act one was read with this point');
    return concat(VERSION, ephemeral, this.state.encrypt(EMPTY));
  }

  /** The initiator's static key (33, proven to be its own); from now on `keys()` answers. */
  readActThree(bytes: Uint8Array): { remoteKey: Uint8Array } | NoiseDrop {
    assert(this.stage === 'answered', 'act three follows act two');
    if (bytes.length !== ACT_THREE_BYTES) return 'noise-length';
    if (bytes[0] !== VERSION[0]) return 'noise-version';
    const { curve, ephemeralSecret } = this.options;
    const state = this.state.fork();
    const remoteKey = state.decrypt(bytes.subarray(1, SEALED_KEY_END));
    if (remoteKey === undefined) return 'noise-tag';
    if (!state.mixDh(curve, ephemeralSecret, remoteKey)) return 'noise-point';
    if (state.decrypt(bytes.subarray(SEALED_KEY_END)) === undefined) return 'noise-tag';
    this.sessionKeys = state.split();
    this.wipe();
    return { remoteKey };
  }

  keys(): SessionKeys {
    assert(this.sessionKeys !== undefined, 'keys exist after act three');
    return this.sessionKeys;
  }

  /** Gives the handshake up: nothing of it is left in memory. Keys already handed out stay. */
  wipe(): void {
    this.stage = 'done';
    this.state.wipe();
    wipe(this.options.ephemeralSecret);
  }
}

/** Acts one and two look alike to whoever reads them: an ephemeral key, a Diffie-Hellman with it, an empty message. */
function readEphemeralAct(
  curve: Curve,
  before: SymmetricState,
  secret: Uint8Array,
  bytes: Uint8Array,
): { state: SymmetricState; ephemeral: Uint8Array } | NoiseDrop {
  if (bytes.length !== ACT_ONE_BYTES) return 'noise-length';
  if (bytes[0] !== VERSION[0]) return 'noise-version';
  const state = before.fork();
  const ephemeral = bytes.slice(1, 1 + POINT_BYTES);
  state.mixHash(ephemeral);
  if (!state.mixDh(curve, secret, ephemeral)) return 'noise-point';
  if (state.decrypt(bytes.subarray(1 + POINT_BYTES)) === undefined) return 'noise-tag';
  return { state, ephemeral };
}
