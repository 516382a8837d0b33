/**
 * What `skywire` hands over to the daemon's program because it needs keys: keygen, address, check-config. Each runs,
 * prints, and is done; no daemon starts. docs/cli.md has their JSON.
 */
import { parseArgs } from 'node:util';
import { fromHex, toHex } from '../base/bytes.ts';
import { EXIT_CODES, Failure } from '../base/failure.ts';
import type { Config } from '../control/config.ts';
import { formatProblem } from '../control/config-problems.ts';
import { formatIpv4Prefix } from '../control/ip-text.ts';
import { addressOf } from '../crypto/address.ts';
import { createIdentity } from '../crypto/identity.ts';
import { nobleCurve } from '../crypto/noble-curve.ts';
import { readConfig } from './config-file.ts';
import { createSecret, readKeyFile, secretText, writeKeyFile } from './key-file.ts';
import { readOptions } from './options.ts';

/** Where a subcommand writes: the process's standard output and error. */
export interface SubcommandOutput {
  print(text: string): void;
  printError(text: string): void;
}

type Subcommand = (args: readonly string[], output: SubcommandOutput) => number;

const SUBCOMMANDS: Readonly<Record<string, Subcommand>> = {
  keygen,
  address,
  'check-config': checkConfig,
};

/**
 * Runs the subcommand and returns its exit code (docs/exit-codes.md); undefined when there is none of that name. A
 * failure is printed as one line and returned as its exit code, never thrown.
 */
export function runSubcommand(
  name: string,
  args: readonly string[],
  output: SubcommandOutput = processOutput,
): number | undefined {
  if (!Object.hasOwn(SUBCOMMANDS, name)) return undefined;
  try {
    return SUBCOMMANDS[name](args, output);
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    output.printError(`skywire: ${error.message}. ${error.remedy}\n`);
    return error.exitCode;
  }
}

export const processOutput: SubcommandOutput = {
  print: (text) => void process.stdout.write(text),
  printError: (text) => void process.stderr.write(text),
};

function keygen(args: readonly string[], output: SubcommandOutput): number {
  const { values } = readOptions('skywire keygen', () =>
    parseArgs({ args: [...args], options: { out: { type: 'string' }, json: { type: 'boolean' } } }),
  );
  const { secret, key, address: ownAddress } = createIdentity(nobleCurve, createSecret(nobleCurve));
  const names = { address: ownAddress, key: toHex(key) };
  if (values.out !== undefined) {
    writeKeyFile(values.out, secret);
    const text = `Secret key written to ${values.out}\naddress  ${names.address}\nkey      ${names.key}\n`;
    output.print(values.json ? jsonLine({ key_file: values.out, ...names }) : text);
  } else if (values.json) {
    output.print(jsonLine({ secret: toHex(secret), ...names }));
  } else {
    // The secret alone, so that it can be sent to a file or a pipe.
    output.print(secretText(secret));
    output.printError(`address  ${names.address}\nkey      ${names.key}\n`);
  }
  return EXIT_CODES.ok;
}

function address(args: readonly string[], output: SubcommandOutput): number {
  const { values, positionals } = readOptions('skywire address', () =>
    parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { 'key-file': { type: 'string' }, json: { type: 'boolean' } },
    }),
  );
  const keyFile = values['key-file'];
  if (positionals.length + (keyFile === undefined ? 0 : 1) !== 1) {
    throw new Failure('usage', 'address takes one key or one --key-file', 'See `skywire address --help`');
  }
  const key =
    keyFile === undefined ? publicKey(positionals[0]) : nobleCurve.publicKey(readKeyFile(keyFile, nobleCurve));
  const text = addressOf(key);
  output.print(values.json ? jsonLine({ address: text, key: toHex(key) }) : `${text}\n`);
  return EXIT_CODES.ok;
}

function publicKey(text: string): Uint8Array {
  const key = fromHex(text);
  if (key !== undefined && nobleCurve.isPoint(key)) return key;
  throw new Failure('usage', 'that is not a public key', 'A key is 66 hex digits that begin with 02 or 03');
}

function checkConfig(args: readonly string[], output: SubcommandOutput): number {
  const { values, positionals } = readOptions('skywire check-config', () =>
    parseArgs({ args: [...args], allowPositionals: true, options: { json: { type: 'boolean' } } }),
  );
  if (positionals.length !== 1) {
    throw new Failure('usage', 'check-config takes one file', 'See `skywire check-config --help`');
  }
  const [file] = positionals;
  const { config, problems = [] } = readConfig(file, nobleCurve);
  if (values.json) output.print(jsonLine({ file, valid: config !== undefined, problems }));
  else if (config !== undefined) output.print(`${file} is in order: ${summary(config)}\n`);
  else for (const problem of problems) output.printError(`${formatProblem(problem)}\n`);
  return config === undefined ? EXIT_CODES['config-invalid'] : EXIT_CODES.ok;
}

/** What the daemon would be with this configuration, in one line. */
function summary(config: Config): string {
  const { node, peers, lan, tunnel, gateway } = config;
  const parts = [`node ${node.name}`, `${peers.length} peer${peers.length === 1 ? '' : 's'}`];
  if (lan !== undefined) parts.push(`LAN ${formatIpv4Prefix(lan.address)} on ${lan.interface}`);
  parts.push(tunnel.gateway === 'none' ? 'no tunnel' : `tunnel to ${tunnel.gateway}`);
  if (gateway !== undefined) parts.push(`gateway with pool ${formatIpv4Prefix(gateway.pool)}`);
  return parts.join(', ');
}

function jsonLine(value: unknown): string {
  return `${JSON.stringify(value)}\n`;
}
