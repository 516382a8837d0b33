/** The configuration that a node begins with: the package's, with words that explain it, or a bare one where there is no package. */
import { existsSync, readFileSync } from 'node:fs';

const TEMPLATE_FILE = '/usr/share/skywire/skywired.toml';
const BARE_TEMPLATE = '[node]\nname = "@HOSTNAME@"\n';
const MAX_NAME_CHARACTERS = 64;

/** `unusual` are keys of [node] that are not to be left at their defaults, with texts as values. */
export function firstConfig(hostname: string, unusual: Readonly<Record<string, string>> = {}): string {
  const template = existsSync(TEMPLATE_FILE) ? readFileSync(TEMPLATE_FILE, 'utf8') : BARE_TEMPLATE;
  // A host may be named as no node may.
  const name = hostname.replace(/[^A-Za-z0-9._-]/g, '').slice(0, MAX_NAME_CHARACTERS) || 'skywire';
  const lines = Object.entries({ name, ...unusual }).map(([key, value]) => `${key} = ${JSON.stringify(value)}`);
  return template.replace(/^name = "@HOSTNAME@"$/m, () => lines.join('\n'));
}
