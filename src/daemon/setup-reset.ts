/**
 * `skywire setup reset`: the node as it was when it was new. The configuration is the package's again, and what the daemon learned is
 * gone. The identity (the node's key, and the keys it is a client with) is kept or made anew, as asked: there is no default, because
 * either can be the one that somebody regrets. A kill switch that is loaded stays until the machine restarts.
 */
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { toHex } from '../base/bytes.ts';
import { EXIT_CODES, Failure } from '../base/failure.ts';
import type { Config } from '../control/config.ts';
import { createIdentity } from '../crypto/identity.ts';
import { nobleCurve } from '../crypto/noble-curve.ts';
import { ensureDirectory, replaceFile } from '../os/store.ts';
import { CLIENTS_DIRECTORY } from './client-secrets.ts';
import { acceptConfig, CONFIG_MODE, DEFAULT_CONFIG_FILE, readConfig } from './config-file.ts';
import { firstConfig } from './first-config.ts';
import { readOrMakeKey } from './key-file.ts';
import { readOptions } from './options.ts';
import { isInstalled, startServices, stopDaemon } from './services.ts';
import type { SubcommandOutput } from './subcommands.ts';

/** @throws Failure usage, config-invalid, key-file, not-permitted, system-tool */
export async function setupReset(args: readonly string[], output: SubcommandOutput): Promise<number> {
  const options = parse(args);
  const file = options.config ?? DEFAULT_CONFIG_FILE;
  const restart = isInstalled(file);
  if (restart) await stopDaemon();
  const places = placesOf(file);
  const { stateDir, keyFile } = places;
  ensureDirectory(dirname(file));
  await replaceFile(file, firstConfig(hostname(), unusual(places)), CONFIG_MODE);
  forget(stateDir, options['keep-identity'] ? [keyFile, join(stateDir, CLIENTS_DIRECTORY)] : []);
  if (!options['keep-identity']) rmSync(keyFile, { force: true });
  const { address, key } = createIdentity(nobleCurve, readOrMakeKey(keyFile, nobleCurve));
  if (restart) await startServices();
  const names = { address, key: toHex(key) };
  const which = options['keep-identity'] ? 'still' : 'now';
  output.print(
    options.json
      ? `${JSON.stringify({ config: file, started: restart, ...names })}\n`
      : `This node is as new, and it is ${which}\naddress  ${names.address}\nkey      ${names.key}\n`,
  );
  return EXIT_CODES.ok;
}

function parse(args: readonly string[]) {
  const { values } = readOptions('skywire setup reset', () =>
    parseArgs({
      args: [...args],
      options: {
        config: { type: 'string' },
        'keep-identity': { type: 'boolean' },
        'new-identity': { type: 'boolean' },
        json: { type: 'boolean' },
      },
    }),
  );
  if (values['keep-identity'] !== values['new-identity']) return values;
  throw new Failure('usage', 'what becomes of the identity was not said', 'Give --keep-identity or --new-identity');
}

/** Where this node keeps its state and its key; the usual places when its configuration can't be read, a reason to reset it. */
function placesOf(file: string): Config['node'] {
  return (existsSync(file) ? readConfig(file, nobleCurve).config?.node : undefined) ?? usualPlaces();
}

function usualPlaces(): Config['node'] {
  return acceptConfig('', 'no file', nobleCurve, () => {}).node;
}

/** The places that the next configuration has to name, so that the node finds itself again. */
function unusual({ keyFile, stateDir }: Config['node']): Record<string, string> {
  const usual = usualPlaces();
  return {
    ...(keyFile === usual.keyFile ? {} : { key_file: keyFile }),
    ...(stateDir === usual.stateDir ? {} : { state_dir: stateDir }),
  };
}

/** Everything in the state directory but `kept`. */
function forget(stateDir: string, kept: readonly string[]): void {
  if (!existsSync(stateDir)) return;
  for (const name of readdirSync(stateDir)) {
    const path = join(stateDir, name);
    if (!kept.includes(path)) rmSync(path, { recursive: true });
  }
}
