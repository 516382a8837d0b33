/**
 * The responder's defence against floods of INIT (docs/protocol.md section 2.1). Up to 50 new INITs a second are
 * answered freely. Beyond that an INIT must prove, with the cookie that was sent to its source address, that it can
 * receive there; that proof costs this node one MAC.
 *
 * Timer: the secret that cookies are made from changes every 120 s, when the first cookie after that is made.
 */
import { equalSecret, wipe } from '../../base/bytes.ts';
import { type RandomSource, randomBytes } from '../../base/env.ts';
import { COOKIE_NONCE_BYTES, cookieKey, mac16, sealCookie } from '../../crypto/mac.ts';
import { buildCookie, type HandshakeDatagram, mac2Of, underMac2 } from '../../wire/handshake.ts';
import { COOKIE_SECRET_LIFE_MS, INITS_PER_SECOND_MAX } from '../protocol-numbers.ts';

const SECOND_MS = 1_000;
const SECRET_BYTES = 32;

export class Cookies {
  private readonly random: RandomSource;
  private readonly sealingKey: Uint8Array;
  private secret: Uint8Array = new Uint8Array(0);
  private secretUntil = Number.NEGATIVE_INFINITY;
  private secondSince = Number.NEGATIVE_INFINITY;
  private initsInSecond = 0;

  /** `nodeKey`: of this node, the responder. */
  constructor(random: RandomSource, nodeKey: Uint8Array) {
    this.random = random;
    this.sealingKey = cookieKey(nodeKey);
  }

  /** Counts an INIT whose mac1 is right. False when it may not be answered because of the load. */
  admit(init: HandshakeDatagram, endpoint: Uint8Array, now: number): boolean {
    if (now >= this.secondSince + SECOND_MS) {
      this.secondSince = now;
      this.initsInSecond = 0;
    }
    this.initsInSecond += 1;
    if (this.initsInSecond <= INITS_PER_SECOND_MAX) return true;
    const expected = mac16(this.cookieFor(endpoint, now), underMac2(init.bytes));
    return equalSecret(expected, mac2Of(init.bytes));
  }

  /** The COOKIE datagram that answers an INIT which was not admitted. */
  answer(init: HandshakeDatagram, endpoint: Uint8Array, now: number): Uint8Array {
    const nonce = randomBytes(this.random, COOKIE_NONCE_BYTES);
    const sealed = sealCookie(this.sealingKey, nonce, init.mac1, this.cookieFor(endpoint, now));
    return buildCookie(init.senderIndex, nonce, sealed);
  }

  private cookieFor(endpoint: Uint8Array, now: number): Uint8Array {
    if (now >= this.secretUntil) {
      wipe(this.secret);
      this.secret = randomBytes(this.random, SECRET_BYTES);
      this.secretUntil = now + COOKIE_SECRET_LIFE_MS;
    }
    return mac16(this.secret, endpoint);
  }
}
