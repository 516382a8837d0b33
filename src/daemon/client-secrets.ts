/**
 * One secret for each gateway that this box ever used, under `state_dir/clients`. A gateway learns nothing of the box but the key
 * of its secret, and no two gateways learn the same one; keeping it keeps the leased address over restarts.
 */
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { toHex } from '../base/bytes.ts';
import type { SecretKey, ServiceKey } from '../base/ids.ts';
import type { Curve } from '../crypto/curve.ts';
import { createSecret, readKeyFile, writeKeyFile } from './key-file.ts';

/** In the state directory. */
export const CLIENTS_DIRECTORY = 'clients';

/**
 * `way` is 0 for the tunnel and counts those beside it: should two of them end at one gateway, they are two clients of it.
 * @throws Failure key-file
 */
export function clientSecret(stateDir: string, service: ServiceKey, way: number, curve: Curve): SecretKey {
  const directory = join(stateDir, CLIENTS_DIRECTORY);
  const file = join(directory, `${toHex(service)}${way === 0 ? '' : `-${way}`}.key`);
  if (!existsSync(file)) {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    writeKeyFile(file, createSecret(curve));
  }
  return readKeyFile(file, curve);
}
