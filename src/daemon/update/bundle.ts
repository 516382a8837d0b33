/**
 * An update file: three lines, then the system as it stands in a slot afterwards.
 *
 *   skywire-update 1
 *   signature        base64; Ed25519 over the first and the third line, each with its newline
 *   manifest         JSON: what it is for, which it is, how long it may be installed, and what follows
 *   payload          `bytes` bytes with this SHA-256, up to the end of the file
 *
 * The signature is checked before anything of the manifest is believed. Versions count up (they are times in seconds), so that an old
 * system with known holes is refused however well it is signed; an expired one is, so that nobody can hold a node back for long.
 */
import { createPublicKey, verify } from 'node:crypto';
import * as v from 'valibot';
import { Failure } from '../../base/failure.ts';

const FIRST_LINE = 'skywire-update 1\n';
/** Generous: a header has some 300. */
export const MAX_HEADER_BYTES = 4096;
const SIGNATURE_BYTES = 64;
const NEWLINE = 10;

const Manifest = v.strictObject({
  product: v.string(),
  version: v.pipe(v.number(), v.safeInteger(), v.minValue(1)),
  /** ISO 8601, as 2027-01-31T00:00:00Z. */
  expires: v.pipe(v.string(), v.isoTimestamp()),
  bytes: v.pipe(v.number(), v.safeInteger(), v.minValue(1)),
  sha256: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)),
});
export type Manifest = Readonly<v.InferOutput<typeof Manifest>>;

export interface Header {
  readonly manifest: Manifest;
  readonly payloadOffset: number;
}

/**
 * Reads and checks the header.
 * @param start the first bytes of the file, MAX_HEADER_BYTES of them if it has so many
 * @param publicKey of the signer, PEM
 * @throws Failure failed: no update, or not signed by that key
 */
export function readHeader(start: Uint8Array, publicKey: string): Header {
  const bytes = Buffer.from(start.buffer, start.byteOffset, start.byteLength);
  const ends = lineEnds(bytes, 3);
  if (ends === undefined || bytes.toString('latin1', 0, FIRST_LINE.length) !== FIRST_LINE) {
    throw refusal('this is no update file', 'Take the one whose name ends in .update');
  }
  const encoded = bytes.toString('latin1', ends[0], ends[1] - 1);
  const signature = Buffer.from(encoded, 'base64');
  const line = bytes.subarray(ends[1], ends[2]);
  const signed = Buffer.concat([Buffer.from(FIRST_LINE), line]);
  // One way only to write it: Node.js decodes more than it encodes.
  const wellFormed = signature.length === SIGNATURE_BYTES && signature.toString('base64') === encoded;
  if (!wellFormed || !verify(null, signed, createPublicKey(publicKey), signature)) {
    throw refusal(
      'the signature is not that of the key in this system',
      'Take the update from where the image came from',
    );
  }
  const parsed = v.safeParse(Manifest, parseJson(line.toString('utf8')));
  if (!parsed.success) throw refusal('its manifest is of another kind', 'Take an update for this release of the image');
  return { manifest: parsed.output, payloadOffset: ends[2] };
}

/** What an update has to fit: the product and the versions here, and the time. */
export interface Here {
  readonly product: string;
  /** Of the system that runs. */
  readonly version: number;
  /** The newest version that ever proved itself on this machine. */
  readonly floor: number;
  readonly nowS: number;
}

/**
 * Checks whether a signed update may be installed here.
 * @param payloadBytes how many follow the header
 * @throws Failure failed, with the reason
 */
export function checkManifest(manifest: Manifest, payloadBytes: number, here: Here): void {
  const { product, version, expires, bytes } = manifest;
  if (product !== here.product) {
    throw refusal(`it is for ${product}, and this is ${here.product}`, `Take the update for ${here.product}`);
  }
  const least = Math.max(here.version, here.floor);
  if (version === here.version) throw refusal(`version ${version} runs already`, 'There is nothing to do');
  if (version <= least) throw refusal(`version ${version} is older than ${least}`, 'Take a newer update');
  // A box without a clock of its own is not earlier than the making of its system.
  if (Date.parse(expires) / 1000 <= Math.max(here.nowS, here.version)) {
    throw refusal(`it expired ${expires}`, 'Take a fresh copy of the update');
  }
  if (payloadBytes !== bytes) {
    throw refusal(`${bytes} bytes belong into it, and ${payloadBytes} are there`, 'Download it again');
  }
}

export function refusal(message: string, remedy: string): Failure {
  return new Failure('failed', `update refused: ${message}`, remedy);
}

/** Offsets behind the first `count` newlines; undefined when there are fewer. */
function lineEnds(bytes: Buffer, count: number): number[] | undefined {
  const ends: number[] = [];
  for (let end = bytes.indexOf(NEWLINE); end !== -1 && ends.length < count; end = bytes.indexOf(NEWLINE, end + 1)) {
    ends.push(end + 1);
  }
  return ends.length < count ? undefined : ends;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
