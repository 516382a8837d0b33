/** Reads the configuration file and adds the checks that need cryptography: keys are points, addresses have their checksum. */
import { readFileSync, statSync } from 'node:fs';
import { fromHex } from '../base/bytes.ts';
import { Failure } from '../base/failure.ts';
import { type Config, MAX_CONFIG_CHARACTERS, parseConfig } from '../control/config.ts';
import { type ConfigProblem, formatProblem, type ProblemMaker } from '../control/config-problems.ts';
import { KEY_CHARACTERS } from '../control/config-schema.ts';
import type { TomlPath } from '../control/toml-source.ts';
import { parseAddress } from '../crypto/address.ts';
import type { Curve } from '../crypto/curve.ts';

/** Where the package has it, and its mode: no secret stands in it, but who the neighbours are is nobody's business. */
export const DEFAULT_CONFIG_FILE = '/etc/skywire/skywired.toml';
export const CONFIG_MODE = 0o640;
/** A character of TOML is at most four bytes of UTF-8. */
const MAX_FILE_BYTES = 4 * MAX_CONFIG_CHARACTERS;

export type ConfigFileResult =
  | { readonly config: Config; readonly problems?: never }
  | { readonly problems: readonly ConfigProblem[]; readonly config?: never };

/**
 * The configuration, or all that is wrong with it in the order of the file.
 * @throws Failure config-invalid when there is no file to read
 */
export function readConfig(file: string, curve: Curve): ConfigFileResult {
  return checkText(readText(file), file, curve);
}

function checkText(text: string, file: string, curve: Curve): ConfigFileResult {
  const parsed = parseConfig(text, file);
  if (parsed.config === undefined) return parsed;
  const problems = checkKeys(parsed.config, parsed.problemAt, curve);
  return problems.length === 0 ? { config: parsed.config } : { problems };
}

/**
 * The configuration for a daemon that starts.
 * @param print takes one line for each problem when there are several
 * @throws Failure config-invalid; it names the problem when there is one only
 */
export function loadConfig(file: string, curve: Curve, print: (line: string) => void): Config {
  return acceptConfig(readText(file), file, curve, print);
}

/** As `loadConfig`, for a text that is not written to the file yet. */
export function acceptConfig(text: string, file: string, curve: Curve, print: (line: string) => void): Config {
  const { config, problems } = checkText(text, file, curve);
  if (config !== undefined) return config;
  if (problems.length === 1) {
    const [{ line, column, key, message, remedy }] = problems;
    throw new Failure('config-invalid', `${file}:${line}:${column}: ${key || 'this'} ${message}`, remedy);
  }
  for (const problem of problems) print(formatProblem(problem));
  const remedy = 'Mend the lines named above; `skywire check-config FILE` checks again';
  throw new Failure('config-invalid', `${file} has ${problems.length} problems`, remedy);
}

function checkKeys(config: Config, problemAt: ProblemMaker, curve: Curve): ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  const notAKey = 'is not a public key: no point of the curve has these digits';
  for (const [index, peer] of config.peers.entries()) {
    if (!curve.isPoint(fromHex(peer.key)!)) {
      problems.push(problemAt(['peer', index, 'key'], notAKey, 'Copy it again; a digit must be wrong'));
    }
  }
  const gateways: [TomlPath, string | undefined][] = [
    [['tunnel', 'gateway'], config.tunnel.gateway],
    ...config.policy.map(({ gateway }, index): [TomlPath, string | undefined] => [
      ['policy', index, 'gateway'],
      gateway,
    ]),
  ];
  for (const [path, name] of gateways) {
    if (name === undefined || name === 'none' || name === 'auto') continue;
    if (name.length === KEY_CHARACTERS) {
      if (!curve.isPoint(fromHex(name)!)) {
        problems.push(problemAt(path, notAKey, 'Copy it again; a digit must be wrong'));
      }
    } else if (parseAddress(name) === undefined) {
      const message = 'is not an address: its checksum does not fit';
      problems.push(problemAt(path, message, 'Copy it again; a letter must be wrong'));
    }
  }
  return problems.sort((a, b) => a.line - b.line || a.column - b.column);
}

function readText(file: string): string {
  const remedy = 'Name the configuration with --config FILE; docs/config.md has one to start from';
  try {
    const stats = statSync(file);
    if (!stats.isFile()) throw new Failure('config-invalid', `${file} is not a file`, remedy);
    if (stats.size > MAX_FILE_BYTES)
      throw new Failure('config-invalid', `${file} is no configuration: too long`, remedy);
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (error instanceof Failure) throw error;
    const { code, message } = error as NodeJS.ErrnoException;
    const what = code === 'ENOENT' ? 'there is no such file' : message;
    throw new Failure('config-invalid', `${file} cannot be read: ${what}`, remedy);
  }
}
