/**
 * What the offload driver itself costs: CPU time a datagram of 1,420 bytes with a device that answers at once and costs nothing
 * (test/bench/offload/instant_device.c), beside the software cipher in the same process. The whole way is in it: descriptor,
 * copying in, doorbells, completions, check words, copying out.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { PROJECT_ROOT } from '../../scripts/named-runs.ts';
import type { RunContext, RunResult } from '../../scripts/run-contract.ts';

export const about = 'CPU time of the offload driver a datagram, with an instant device, beside the software cipher';
export const takes = '5 s';

const LIMIT_NS = 300;
const BATCHES = 4_000;
/** Of measure.c. */
const BATCH = 64;
/** The machine's other work only ever adds: the least of several rounds is the driver's own. */
const ROUNDS = 5;

type Figures = Record<string, number>;

function build(): { measure(batches: number): Figures } {
  const native = join(PROJECT_ROOT, 'src', 'native');
  const here = join(PROJECT_ROOT, 'test', 'bench', 'offload');
  const out = join(PROJECT_ROOT, 'dist', 'bench');
  mkdirSync(out, { recursive: true });
  const headers = readdirSync(join(PROJECT_ROOT, 'node_modules')).find((name) => name.startsWith('node-linux-'));
  const file = join(out, 'offload-measure.node');
  const sources = ['measure.c', 'instant_device.c'].map((name) => join(here, name));
  const core = ['aead.c', 'chacha20_poly1305.c', 'offload.c', 'offload_known.c', 'offload_rings.c'].map((name) =>
    join(native, 'core', name),
  );
  const include = join(PROJECT_ROOT, 'node_modules', headers!, 'include', 'node');
  const flags = ['-std=gnu17', '-O2', '-fPIC', '-shared', '-fvisibility=hidden', '-fstack-protector-strong'];
  const defines = ['-D_FORTIFY_SOURCE=2', '-DNAPI_VERSION=9', '-isystem', include, `-I${native}`, `-I${here}`];
  execFileSync('cc', [...flags, '-Wall', '-Wextra', '-Werror', ...defines, '-o', file, ...sources, ...core]);
  return createRequire(import.meta.url)(file);
}

export function run(context: RunContext): RunResult {
  const { measure } = build();
  const figures: Figures = {};
  for (let round = 0; round < ROUNDS; round++) {
    for (const [name, ns] of Object.entries(measure(BATCHES))) figures[name] = Math.min(figures[name] ?? ns, ns);
  }
  for (const name of Object.keys(figures)) figures[name] = Math.round(figures[name]);
  const { sealed, opened, driverSealNs, driverOpenNs, softwareSealNs, softwareSealAndOpenNs } = figures;
  const softwareOpenNs = softwareSealAndOpenNs - softwareSealNs;
  context.log(`seal: driver ${driverSealNs} ns, software ${softwareSealNs} ns a datagram`);
  context.log(`open: driver ${driverOpenNs} ns, software ${softwareOpenNs} ns a datagram`);
  // Every job of a round went through the device, and one batch before it.
  const throughDevice = sealed === (BATCHES + 1) * BATCH && opened === BATCHES * BATCH;
  const pass = throughDevice && driverSealNs <= LIMIT_NS && driverOpenNs <= LIMIT_NS;
  return { pass, sealed, opened, limitNs: LIMIT_NS, driverSealNs, driverOpenNs, softwareSealNs, softwareOpenNs };
}
