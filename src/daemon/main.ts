/**
 * `skywired`: the daemon's program.
 *
 *   skywired --config FILE [--datapath native|portable] [--verbose]    runs until SIGTERM or SIGINT
 *   skywired firewall --config FILE | --remove                          loads the kill switch, or removes it, and ends
 *   skywired keygen | address | check-config | setup | update ...       as `skywire` hands them over
 */
import { parseArgs } from 'node:util';
import { EXIT_CODES, Failure } from '../base/failure.ts';
import { VERSION } from '../control/version.ts';
import { nobleCurve } from '../crypto/noble-curve.ts';
import { loadNative } from '../native/index.ts';
import { chooseDatapath, type Datapath } from '../os/datapath.ts';
import { removeRulesets } from '../os/firewall.ts';
import { loadConfig } from './config-file.ts';
import { Daemon } from './daemon.ts';
import { loadKillSwitch } from './kill-switch.ts';
import { LineLog } from './log.ts';
import { readOptions } from './options.ts';
import type { Sealing } from './sealing.ts';
import { ServiceManager } from './service-manager.ts';
import { setupGateway } from './setup-gateway.ts';
import { setupReset } from './setup-reset.ts';
import { processOutput, runSubcommand } from './subcommands.ts';
import { update } from './update/command.ts';

const USAGE = `skywired ${VERSION}

Runs a Skywire node until it is told to stop (SIGTERM, SIGINT).

  skywired --config FILE             start with this configuration (docs/config.md)
      --datapath native|portable     instead of choosing by itself: the addon, or plain Node.js
      --sealing inline|thread        the same: datagrams are sealed and sent by the main thread, or another
      --verbose                      log more
  skywired firewall --config FILE    load the kill switch of this configuration, and nothing else.
                                     Run it before the network comes up; it stays when the daemon ends.
                                     With a configuration that can't be read it locks: nothing is forwarded.
  skywired firewall --remove         take away all rules that this program ever loaded.
                                     From then on the LAN's traffic may leave in the clear.

Ask a running daemon with \`skywire status\`. Exit codes: docs/exit-codes.md.
`;

const printError = (text: string): void => void process.stderr.write(text);

process.exitCode = await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<number> {
  try {
    const [name = '', ...rest] = args;
    if (name === 'firewall') return await firewall(rest);
    if (name === 'setup') return await setup(rest);
    if (name === 'update') return await update(rest, processOutput);
    return runSubcommand(name, rest) ?? (await runDaemon(args));
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    printError(`skywired: ${error.message}. ${error.remedy}\n`);
    return error.exitCode;
  }
}

async function firewall(args: readonly string[]): Promise<number> {
  const { config, remove } = parse(args);
  if (remove) {
    await removeRulesets();
    return EXIT_CODES.ok;
  }
  await loadKillSwitch(config ?? missingConfig(), (line) => printError(`${line}\n`));
  return EXIT_CODES.ok;
}

async function setup([what, ...args]: readonly string[]): Promise<number> {
  if (what === 'gateway') return setupGateway(args, processOutput);
  if (what === 'reset') return setupReset(args, processOutput);
  throw new Failure('usage', 'what to set up was not said', 'See `skywire setup --help`');
}

async function runDaemon(args: readonly string[]): Promise<number> {
  const options = parse(args);
  if (options.help || options.version) {
    process.stdout.write(options.help ? USAGE : `skywired ${VERSION}\n`);
    return EXIT_CODES.ok;
  }
  const file = options.config ?? missingConfig();
  const log = new LineLog(options.verbose ? 'debug' : 'info', printError);
  const config = loadConfig(file, nobleCurve, (line) => printError(`skywired: ${line}\n`));
  const datapath = chooseDatapath(datapathName(options.datapath), loadNative, log);
  const daemon = new Daemon(config, datapath, sealingName(options.sealing), log);
  const ended = new Promise<Failure | undefined>((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve(undefined));
    daemon.onFailure = resolve;
  });
  const serviceManager = new ServiceManager(process.env, datapath, log);
  await daemon.start();
  await serviceManager.ready();
  const failure = await ended;
  await serviceManager.stopping();
  await daemon.stop();
  if (failure !== undefined) throw failure;
  return EXIT_CODES.ok;
}

function parse(args: readonly string[]) {
  return readOptions('skywired', () =>
    parseArgs({
      args: [...args],
      options: {
        config: { type: 'string' },
        datapath: { type: 'string' },
        sealing: { type: 'string' },
        remove: { type: 'boolean' },
        verbose: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
        version: { type: 'boolean' },
      },
    }),
  ).values;
}

function datapathName(text: string | undefined): Datapath['name'] | undefined {
  if (text === undefined || text === 'native' || text === 'portable') return text;
  throw new Failure('usage', `there is no data path "${text}"`, 'Use --datapath native or --datapath portable');
}

function sealingName(text: string | undefined): Sealing | undefined {
  if (text === undefined || text === 'inline' || text === 'thread') return text;
  throw new Failure('usage', `there is no sealing "${text}"`, 'Use --sealing inline or --sealing thread');
}

function missingConfig(): never {
  throw new Failure('usage', 'no configuration was named', 'Use --config FILE; see `skywired --help`');
}
