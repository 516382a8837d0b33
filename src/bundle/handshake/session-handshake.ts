/**
 * The handshake of a session (docs/protocol.md section 6.1): Noise IK to the service key, message one inside every
 * set-up, message two back on every route that brought it. Whoever can't be understood gets no answer but the failed
 * set-up.
 */
import { equal, readU64, utf8, writeU64 } from '../../base/bytes.ts';
import { type RandomSource, randomBytes } from '../../base/env.ts';
import type { ClientKey, SecretKey, ServiceKey } from '../../base/ids.ts';
import type { Curve } from '../../crypto/curve.ts';
import { IkInitiator, IkResponder } from '../../crypto/noise-ik.ts';
import type { SessionKeys } from '../../crypto/symmetric-state.ts';

const PROLOGUE = utf8('skywire/1 session');
const CREATED_BYTES = 8;
const NO_PAYLOAD = new Uint8Array(0);
/** docs/protocol.md section 6.1: how old message one may be for a new session. */
export const HELLO_LIFE_MS = 120_000;
/** Message one is made anew when it is older and there is no session: half of what the service takes. */
export const HELLO_RENEW_MS = 60_000;

export function randomSecret(curve: Curve, random: RandomSource): SecretKey {
  for (;;) {
    const secret = randomBytes(random, 32);
    // Fails once in 2^128.
    if (curve.isSecret(secret)) return secret;
  }
}

export interface ClientHandshakeOptions {
  readonly curve: Curve;
  readonly random: RandomSource;
  readonly clientSecret: SecretKey;
  readonly service: ServiceKey;
  readonly wallMs: number;
}

/** The client's side: one for each message one. */
export class ClientHandshake {
  /** Message one. */
  readonly hello: Uint8Array;
  /** Key of epoch 0 (32). */
  readonly earlyKey: Uint8Array;
  readonly createdWallMs: number;
  private readonly noise: IkInitiator;
  private answer: Uint8Array | undefined;

  constructor({ curve, random, clientSecret, service, wallMs }: ClientHandshakeOptions) {
    this.noise = new IkInitiator({
      curve,
      prologue: PROLOGUE,
      localSecret: clientSecret,
      remoteKey: service,
      ephemeralSecret: randomSecret(curve, random),
    });
    const created = new Uint8Array(CREATED_BYTES);
    writeU64(created, 0, Math.floor(wallMs));
    this.createdWallMs = wallMs;
    this.hello = this.noise.messageOne(created);
    this.earlyKey = this.noise.earlyKey();
  }

  /** Whether message two is in. */
  get done(): boolean {
    return this.answer !== undefined;
  }

  /** Reads message two: the session's keys the first time, 'repeat' for the same bytes again, 'refused' for others. */
  read(messageTwo: Uint8Array): SessionKeys | 'repeat' | 'refused' {
    if (this.answer !== undefined) return equal(messageTwo, this.answer) ? 'repeat' : 'refused';
    const outcome = this.noise.readMessageTwo(messageTwo);
    if (typeof outcome === 'string') return 'refused';
    this.answer = messageTwo.slice();
    return this.noise.keys();
  }

  /** Forgets the secrets of an unfinished handshake. */
  giveUp(): void {
    if (!this.done) this.noise.wipe();
  }
}

/** What the service knows after message one. */
export interface AcceptedHello {
  readonly clientKey: ClientKey;
  /** Unix ms by the client's clock. */
  readonly createdMs: number;
  readonly earlyKey: Uint8Array;
  readonly messageTwo: Uint8Array;
  readonly keys: SessionKeys;
}

export interface ReadHelloOptions {
  readonly curve: Curve;
  readonly random: RandomSource;
  readonly secret: SecretKey;
  readonly hello: Uint8Array;
  readonly wallMs: number;
}

/** The service's side, at once: message one is read and message two made. */
export function readHello(
  options: ReadHelloOptions,
): AcceptedHello | 'bundle-hello-malformed' | 'bundle-hello-expired' {
  const { curve, random, secret, hello, wallMs } = options;
  const noise = new IkResponder({
    curve,
    prologue: PROLOGUE,
    localSecret: secret,
    ephemeralSecret: randomSecret(curve, random),
  });
  const read = noise.readMessageOne(hello);
  if (typeof read === 'string' || read.payload.length !== CREATED_BYTES) {
    noise.wipe();
    return 'bundle-hello-malformed';
  }
  // Clocks may differ either way.
  const createdMs = readU64(read.payload, 0);
  if (Math.abs(wallMs - createdMs) > HELLO_LIFE_MS) {
    noise.wipe();
    return 'bundle-hello-expired';
  }
  const earlyKey = noise.earlyKey();
  const messageTwo = noise.messageTwo(NO_PAYLOAD);
  return { clientKey: read.remoteKey as ClientKey, createdMs, earlyKey, messageTwo, keys: noise.keys() };
}
