/** The file that holds a node's secret: 64 hex digits and a newline, readable by its owner only. */
import { randomFillSync } from 'node:crypto';
import { closeSync, existsSync, fstatSync, fsyncSync, openSync, readFileSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { fromHex, toHex, wipe } from '../base/bytes.ts';
import { Failure } from '../base/failure.ts';
import type { SecretKey } from '../base/ids.ts';
import type { Curve } from '../crypto/curve.ts';
import { ensureDirectory } from '../os/store.ts';

const OWNER_ONLY = 0o600;
const OTHERS = 0o077;
/** 64 digits and whatever white space an editor leaves. */
const MAX_FILE_BYTES = 256;

export function createSecret(curve: Curve): SecretKey {
  const secret = new Uint8Array(32);
  // Not a scalar once in 2^128.
  do randomFillSync(secret);
  while (!curve.isSecret(secret));
  return secret as SecretKey;
}

/** What the file holds. */
export function secretText(secret: SecretKey): string {
  return `${toHex(secret)}\n`;
}

/**
 * Writes a new file; never over an old one, whose identity would be lost.
 * @throws Failure key-file
 */
export function writeKeyFile(file: string, secret: SecretKey): void {
  try {
    const descriptor = openSync(file, 'wx', OWNER_ONLY);
    try {
      writeSync(descriptor, secretText(secret));
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') {
      throw new Failure(
        'key-file',
        `${file} exists already`,
        'Move it away first if you mean to replace this identity',
      );
    }
    if (code === 'ENOENT') throw new Failure('key-file', `the folder of ${file} does not exist`, 'Make it first');
    throw new Failure('key-file', `${file} cannot be written: ${message}`, 'Choose another file, or run as root');
  }
}

/** The secret in the file, made now if there is none. @throws Failure key-file, not-permitted */
export function readOrMakeKey(file: string, curve: Curve): SecretKey {
  if (!existsSync(file)) {
    ensureDirectory(dirname(file));
    writeKeyFile(file, createSecret(curve));
  }
  return readKeyFile(file, curve);
}

/** @throws Failure key-file: missing, unreadable, open to others, or no secret key */
export function readKeyFile(file: string, curve: Curve): SecretKey {
  const text = readPrivately(file);
  const secret = /^[0-9a-f]{64}\s*$/i.test(text) ? fromHex(text.slice(0, 64)) : undefined;
  if (secret !== undefined && curve.isSecret(secret)) return secret;
  if (secret !== undefined) wipe(secret);
  throw new Failure('key-file', `${file} does not hold a secret key`, `Make one: skywire keygen --out ${file}`);
}

function readPrivately(file: string): string {
  let descriptor: number | undefined;
  try {
    descriptor = openSync(file, 'r');
    const { mode, size } = fstatSync(descriptor);
    if ((mode & OTHERS) !== 0) {
      throw new Failure('key-file', `${file} can be read by others`, `Close it: chmod 600 ${file}`);
    }
    return size <= MAX_FILE_BYTES ? readFileSync(descriptor, 'utf8') : '';
  } catch (error) {
    if (error instanceof Failure) throw error;
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') {
      throw new Failure('key-file', `there is no key file ${file}`, `Make one: skywire keygen --out ${file}`);
    }
    throw new Failure('key-file', `${file} cannot be read: ${message}`, 'Run as the user that owns it, or as root');
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}
