/**
 * Noise_IK_secp256k1_ChaChaPoly_SHA256: the handshake of an end-to-end session with a service (docs/protocol.md
 * section 6.1). The first message already names the client and carries data, sealed to the service key.
 *
 *   message one  e (33) | sealed client key (33 + 16) | sealed payload (n + 16)   es, ss
 *   message two  e (33) | sealed payload (n + 16)                                 ee, se
 *
 * Initiator: start -> offered (messageOne) -> done (readMessageTwo).
 * Responder: start -> offered (readMessageOne) -> done (messageTwo).
 *
 * A method called out of turn is a programmer error. Bytes that don't verify leave the handshake as it was. Message one
 * can be replayed: whoever accepts it must know it again (by its hash) and bound its age. No timers here.
 *
 * The ephemeral secret handed in belongs to the handshake from then on, and is wiped when it is done or given up.
 */
import { assert } from '../base/assert.ts';
import { concat, wipe } from '../base/bytes.ts';
import type { SecretKey } from '../base/ids.ts';
import { TAG_BYTES } from './cipher.ts';
import type { Curve } from './curve.ts';
import { EMPTY, type NoiseDrop, type SessionKeys, SymmetricState } from './symmetric-state.ts';

const PROTOCOL = 'Noise_IK_secp256k1_ChaChaPoly_SHA256';
const EARLY_LABEL = 'skywire/early';
const POINT_BYTES = 33;
const SEALED_KEY_END = POINT_BYTES + POINT_BYTES + TAG_BYTES;
/** What each message is longer than its payload. */
export const MESSAGE_ONE_OVERHEAD_BYTES = SEALED_KEY_END + TAG_BYTES;
export const MESSAGE_TWO_OVERHEAD_BYTES = POINT_BYTES + TAG_BYTES;

export interface IkInitiatorOptions {
  readonly curve: Curve;
  readonly prologue: Uint8Array;
  readonly localSecret: SecretKey;
  /** The responder's key, a point (33). */
  readonly remoteKey: Uint8Array;
  readonly ephemeralSecret: SecretKey;
}

export type IkResponderOptions = Omit<IkInitiatorOptions, 'remoteKey'>;

type Stage = 'start' | 'offered' | 'done';

export class IkInitiator {
  private readonly options: IkInitiatorOptions;
  private stage: Stage = 'start';
  private state: SymmetricState;
  private sessionKeys: SessionKeys | undefined;

  constructor(options: IkInitiatorOptions) {
    this.options = options;
    this.state = SymmetricState.begin(PROTOCOL, options.prologue);
  }

  /** 98 bytes more than the payload. */
  messageOne(payload: Uint8Array): Uint8Array {
    assert(this.stage === 'start', 'message one comes first');
    const { curve, localSecret, remoteKey, ephemeralSecret } = this.options;
    this.stage = 'offered';
    this.state.mixHash(remoteKey);
    const ephemeral = curve.publicKey(ephemeralSecret);
    this.state.mixHash(ephemeral);
    assert(this.state.mixDh(curve, ephemeralSecret, remoteKey), 'the remote key is a point');
    const sealedKey = this.state.encrypt(curve.publicKey(localSecret));
    assert(this.state.mixDh(curve, localSecret, remoteKey), 'the remote key is a point');
    return concat(ephemeral, sealedKey, this.state.encrypt(payload));
  }

  /** The key (32) of what this side sends until message two is in. */
  earlyKey(): Uint8Array {
    assert(this.stage === 'offered', 'the early key exists between the messages');
    return this.state.earlyKey(EARLY_LABEL);
  }

  /** On success `keys()` answers from now on. */
  readMessageTwo(bytes: Uint8Array): { payload: Uint8Array } | NoiseDrop {
    assert(this.stage === 'offered', 'message two answers message one');
    if (bytes.length < MESSAGE_TWO_OVERHEAD_BYTES) return 'noise-length';
    const { curve, localSecret, ephemeralSecret } = this.options;
    const state = this.state.fork();
    const ephemeral = bytes.subarray(0, POINT_BYTES);
    state.mixHash(ephemeral);
    if (!state.mixDh(curve, ephemeralSecret, ephemeral)) return 'noise-point';
    assert(state.mixDh(curve, localSecret, ephemeral), 'the point just passed');
    const payload = state.decrypt(bytes.subarray(POINT_BYTES));
    if (payload === undefined) return 'noise-tag';
    this.sessionKeys = state.split();
    this.wipe();
    return { payload };
  }

  keys(): SessionKeys {
    assert(this.sessionKeys !== undefined, 'keys exist after message two');
    return this.sessionKeys;
  }

  /** Gives the handshake up: nothing of it is left in memory. Keys already handed out stay. */
  wipe(): void {
    this.stage = 'done';
    this.state.wipe();
    wipe(this.options.ephemeralSecret);
  }
}

export class IkResponder {
  private readonly options: IkResponderOptions;
  private stage: Stage = 'start';
  private state: SymmetricState;
  private remoteEphemeral: Uint8Array = EMPTY;
  private remoteKey: Uint8Array = EMPTY;
  private sessionKeys: SessionKeys | undefined;

  constructor(options: IkResponderOptions) {
    this.options = options;
    this.state = SymmetricState.begin(PROTOCOL, options.prologue);
  }

  /** The client's static key (33, proven to be its own) and the payload. */
  readMessageOne(bytes: Uint8Array): { remoteKey: Uint8Array; payload: Uint8Array } | NoiseDrop {
    assert(this.stage === 'start', 'message one comes first');
    if (bytes.length < MESSAGE_ONE_OVERHEAD_BYTES) return 'noise-length';
    const { curve, localSecret } = this.options;
    const state = this.state.fork();
    state.mixHash(curve.publicKey(localSecret));
    const ephemeral = bytes.slice(0, POINT_BYTES);
    state.mixHash(ephemeral);
    if (!state.mixDh(curve, localSecret, ephemeral)) return 'noise-point';
    const remoteKey = state.decrypt(bytes.subarray(POINT_BYTES, SEALED_KEY_END));
    if (remoteKey === undefined) return 'noise-tag';
    if (!state.mixDh(curve, localSecret, remoteKey)) return 'noise-point';
    const payload = state.decrypt(bytes.subarray(SEALED_KEY_END));
    if (payload === undefined) return 'noise-tag';
    this.state = state;
    this.remoteEphemeral = ephemeral;
    this.remoteKey = remoteKey;
    this.stage = 'offered';
    return { remoteKey, payload };
  }

  /** The key (32) of what the other side sends until it has message two. */
  earlyKey(): Uint8Array {
    assert(this.stage === 'offered', 'the early key exists between the messages');
    return this.state.earlyKey(EARLY_LABEL);
  }

  /** 49 bytes more than the payload; from now on `keys()` answers. */
  messageTwo(payload: Uint8Array): Uint8Array {
    assert(this.stage === 'offered', 'message two answers message one');
    const { curve, ephemeralSecret } = this.options;
    const ephemeral = curve.publicKey(ephemeralSecret);
    this.state.mixHash(ephemeral);
    assert(this.state.mixDh(curve, ephemeralSecret, this.remoteEphemeral), 'message one was read with this point');
    assert(this.state.mixDh(curve, ephemeralSecret, this.remoteKey), 'message one was read with this point');
    const message = concat(ephemeral, this.state.encrypt(payload));
    this.sessionKeys = this.state.split();
    this.wipe();
    return message;
  }

  keys(): SessionKeys {
    assert(this.sessionKeys !== undefined, 'keys exist after message two');
    return this.sessionKeys;
  }

  /** Gives the handshake up: nothing of it is left in memory. Keys already handed out stay. */
  wipe(): void {
    this.stage = 'done';
    this.state.wipe();
    wipe(this.options.ephemeralSecret);
  }
}
