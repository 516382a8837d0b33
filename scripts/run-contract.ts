/**
 * What a named run is: one file `test/<kind>/<name>.ts` with these exports. `npm run <kind> -- <name>` runs it.
 *
 *   export const about = 'one line: what it shows';
 *   export const takes = '20 s';
 *   export const gate = true;            // optional: scripts/test includes its shorter variant
 *   export async function run(context: RunContext): Promise<RunResult> { ... }
 */
export const RUN_KINDS = ['lab', 'sim', 'bench', 'fuzz'] as const;
export type RunKind = (typeof RUN_KINDS)[number];

export interface RunContext {
  /** What stands behind the name on the command line, without `--gate`. */
  readonly args: readonly string[];
  /** The shorter variant that the gate (scripts/test) runs. */
  readonly gate: boolean;
  /** Progress for people, on stderr. */
  log(line: string): void;
  /** Runs at the end in reverse order of registration, whatever the end is: return, throw, SIGINT, SIGTERM, SIGHUP. */
  onExit(cleanup: () => void | Promise<void>): void;
}

/** Verdict and figures: printed as one JSON line, so every value must survive JSON. */
export type RunResult = Readonly<Record<string, unknown>> & { readonly pass: boolean };

export interface NamedRun {
  readonly about: string;
  /** How long it takes, in words: `20 s`, `4 min, gate 30 s`. */
  readonly takes: string;
  readonly gate?: boolean;
  run(context: RunContext): Promise<RunResult> | RunResult;
}
