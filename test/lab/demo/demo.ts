/**
 * The main job, shown on one machine: a laptop's traffic through the box, over two routes at once, to a gateway.
 *
 *   scripts/demo            tells the story as it goes
 *   scripts/demo --check    unattended: one JSON line with every figure and verdict; exit code 0 when all are right
 *   scripts/demo --stay     leaves the network standing at the end, to look around in, until Ctrl-C
 */
import { finish, guardedRun } from '../../../scripts/guarded-run.ts';
import type { RunContext, RunResult } from '../../../scripts/run-contract.ts';
import { DemoNetwork, WEB_NAME } from '../harness/demo-topology.ts';
import { Narrator } from './narrator.ts';
import {
  cutOneRoute,
  type Demo,
  downloadOverBoth,
  killDaemon,
  openPage,
  plugInLaptop,
  rejoin,
  resolve,
  restartDaemon,
  type StepFigures,
} from './steps.ts';

const RATE_MBIT = 50;
/** Ten seconds over both modems: long enough that TCP's start does not count. */
const FILE_BYTES = 100_000_000;

const DRAWING = `
  laptop ──eth── miner ──┬── relay-a ──┐
                         │             ├── gateway ── internet (a web server, a DNS server)
                         └── relay-b ──┘
   (two modems, each shaped to ${RATE_MBIT} Mb/s both ways; every box is a network namespace on this one machine,
    with a real daemon, real TUN devices, nftables and dnsmasq)
`;

const HARDWARE = `
On real hardware: build with \`npm run build\`, copy dist/ to the box, write a configuration (README.md has one for each
role), make a key with \`skywire keygen --out FILE\`, and load \`skywired firewall --config FILE\` before \`skywired --config FILE\`.`;

const STEPS: Readonly<Record<string, (demo: Demo) => Promise<StepFigures>>> = {
  dhcp: plugInLaptop,
  resolve,
  page: openPage,
  download: downloadOverBoth,
  cut: cutOneRoute,
  rejoin,
  kill: killDaemon,
  restart: restartDaemon,
};

const allTrue = (figures: StepFigures) => Object.values(figures).every((value) => value !== false);

async function tell(context: RunContext, narrator: Narrator, stay: boolean): Promise<RunResult> {
  narrator.line(DRAWING);
  narrator.line('Laying cables, making keys, starting four daemons ...');
  const startedMs = performance.now();
  const network = new DemoNetwork(context, { rateMbit: RATE_MBIT, fileBytes: FILE_BYTES });
  await network.start();
  const startSeconds = Number(((performance.now() - startedMs) / 1000).toFixed(1));
  narrator.line(`The miner found both paths to its gateway by itself and is connected (${startSeconds} s).`);
  const demo: Demo = { network, narrator, rateMbit: RATE_MBIT };
  const figures: Record<string, StepFigures> = {};
  for (const [name, step] of Object.entries(STEPS)) {
    figures[name] = await step(demo).catch((error) => failedStep(error, narrator));
    // What follows builds on it; the figures so far are still worth printing.
    if ('error' in figures[name]) break;
  }
  const pass = Object.values(figures).every(allTrue);
  narrator.line(pass ? '\nAll of it as promised.' : '\nNot all of it as promised: see FAIL above.');
  const result = { pass, startSeconds, ...figures };
  narrator.line(HARDWARE);
  if (stay) await standStill(network, narrator);
  else narrator.line('\nLook around: scripts/demo --stay leaves this network standing.');
  return result;
}

function failedStep(error: unknown, narrator: Narrator): StepFigures {
  const text = error instanceof Error ? error.message : String(error);
  narrator.verdict(false, text);
  return { error: text, right: false };
}

/** Until Ctrl-C ends the run. */
async function standStill({ laptop, miner }: DemoNetwork, narrator: Narrator): Promise<never> {
  const skywire = `node_modules/.bin/node dist/skywire.mjs`;
  narrator.line(`
The network stands. In another terminal:
  ${skywire} status --socket ${miner.socket}
  ${skywire} routes --socket ${miner.socket}
  ip netns exec ${laptop.namespace} curl http://${WEB_NAME}/
  ip netns exec ${laptop.namespace} bash        a shell on the laptop
Ctrl-C takes it down.`);
  return new Promise(() => {});
}

async function main(): Promise<void> {
  const options = new Set(process.argv.slice(2));
  const check = options.delete('--check');
  const stay = options.delete('--stay');
  if (options.size > 0) {
    process.stderr.write('usage: scripts/demo [--check | --stay]\n');
    process.exit(2);
  }
  const narrator = new Narrator(check ? process.stderr : process.stdout);
  const run = (context: RunContext) => tell(context, narrator, stay && !check);
  const outcome = await guardedRun({ name: 'demo', args: [], gate: check, run });
  if (check) finish(outcome);
  // Ctrl-C is how a person leaves a network that stands.
  process.exit(outcome.pass || (stay && outcome.interrupted === 'SIGINT') ? 0 : 1);
}

await main();
