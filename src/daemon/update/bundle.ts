/**
 * An update file: three lines, then the system as it stands in a slot afterwards.
 *
 *   skywire-update 1
 *   signatures       base64, a space between two; Ed25519 over the first and the third line, each with its newline
 *   manifest         JSON: what it is for, which it is, how long it may be installed, and what follows
 *   payload          `bytes` bytes with this SHA-256, up to the end of the file
 *
 * As many keys as the running system wants have to have signed it; signatures by keys that it does not know are passed over, so a system that brings new
 * keys along can be signed with both. They are checked before anything of the manifest is believed. Versions count up (they are times in seconds), so that an old
 * system with known holes is refused however well it is signed; an expired one is, so that nobody can hold a node back for long.
 */
import { createPublicKey, type KeyObject, verify } from 'node:crypto';
import * as v from 'valibot';
import { Failure } from '../../base/failure.ts';

const FIRST_LINE = 'skywire-update 1\n';
/** Generous: a header has some 300. */
export const MAX_HEADER_BYTES = 4096;
/** And of keys in a system. */
export const MAX_SIGNATURES = 8;
const SIGNATURE_BYTES = 64;
const PEM_BLOCK = /-----BEGIN PUBLIC KEY-----[^-]+-----END PUBLIC KEY-----/g;
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

/** Who may sign updates of a system, and how many of them have to. */
export interface Signers {
  readonly keys: readonly KeyObject[];
  readonly threshold: number;
}

/**
 * Reads what scripts/build-image laid into the system: a line `threshold=2`, and a public key after the other in PEM. A key that is there twice counts
 * once.
 * @throws Failure failed: nobody could sign an update for this system
 */
export function readSigners(text: string): Signers {
  const blocks = text.match(PEM_BLOCK) ?? [];
  const threshold = Number(/^threshold=([1-9]\d*)$/m.exec(text)?.[1]);
  const keys: KeyObject[] = [];
  for (const key of blocks.slice(0, MAX_SIGNATURES).map((block) => createPublicKey(block))) {
    if (!keys.some((known) => known.equals(key))) keys.push(key);
  }
  if (keys.length >= threshold) return { keys, threshold };
  throw new Failure('failed', 'this image has too few keys for updates', 'Write a new image to the card');
}

/**
 * Reads and checks the header.
 * @param start the first bytes of the file, MAX_HEADER_BYTES of them if it has so many
 * @throws Failure failed: no update, or not signed by enough of the signers
 */
export function readHeader(start: Uint8Array, { keys, threshold }: Signers): Header {
  const bytes = Buffer.from(start.buffer, start.byteOffset, start.byteLength);
  const ends = lineEnds(bytes, 3);
  if (ends === undefined || bytes.toString('latin1', 0, FIRST_LINE.length) !== FIRST_LINE) {
    throw refusal('this is no update file', 'Take the one whose name ends in .update');
  }
  const signatures = readSignatures(bytes.toString('latin1', ends[0], ends[1] - 1));
  const line = bytes.subarray(ends[1], ends[2]);
  const signed = Buffer.concat([Buffer.from(FIRST_LINE), line]);
  const signers = keys.filter((key) => signatures.some((signature) => verify(null, signed, key, signature)));
  if (signers.length < threshold) {
    throw refusal(
      threshold === 1
        ? 'the signature is not that of a key in this system'
        : `${signers.length} of the keys in this system have a signature there, and ${threshold} have to`,
      'Take the update from where the image came from',
    );
  }
  const parsed = v.safeParse(Manifest, parseJson(line.toString('utf8')));
  if (!parsed.success) throw refusal('its manifest is of another kind', 'Take an update for this release of the image');
  return { manifest: parsed.output, payloadOffset: ends[2] };
}

function readSignatures(line: string): Buffer[] {
  const texts = line.split(' ');
  const signatures = texts.map((text) => Buffer.from(text, 'base64'));
  // One way only to write it: Node.js decodes more than it encodes.
  const wellFormed = signatures.every(
    (signature, index) => signature.length === SIGNATURE_BYTES && signature.toString('base64') === texts[index],
  );
  if (wellFormed && texts.length <= MAX_SIGNATURES) return signatures;
  throw refusal('its signatures are not written as they are to be', 'Take the update from where the image came from');
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
