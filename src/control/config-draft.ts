/** What the checks of a configuration look at, and what they find: `config-checks.ts`, `policy-checks.ts`. */
import type { TomlPath } from './toml-source.ts';

/** A contradiction, and the key that should be changed. */
export interface Contradiction {
  readonly path: TomlPath;
  readonly message: string;
  readonly remedy: string;
}

/**
 * The file with defaults filled in, while some of it may still be of the wrong type: all problems are reported at once,
 * so these checks run beside the schema's and leave out what the schema has refused.
 */
export interface ConfigDraft {
  readonly listen?: { readonly udp?: unknown };
  readonly peer?: unknown;
  readonly discovery?: { readonly interfaces?: unknown };
  readonly wifi?: unknown;
  readonly hotspot?: { readonly address?: unknown };
  readonly lan?: { readonly interface?: unknown; readonly address?: unknown };
  readonly tunnel?: { readonly interface?: unknown };
  readonly qos?: { readonly real_time?: unknown };
  readonly policy?: unknown;
  readonly gateway?: {
    readonly enable?: unknown;
    readonly pool?: unknown;
    readonly uplink?: unknown;
    readonly dns?: unknown;
    readonly interface?: unknown;
  };
}

/** Whatever is no list has no items: the schema has refused it. */
export function itemsOf(list: unknown): unknown[] {
  return Array.isArray(list) ? list : [];
}
