/** The command tree of `skywire`: names, options, help, and what each command does. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Argument, Command, InvalidArgumentError, Option } from 'commander';
import { EXIT_CODES, Failure } from '../base/failure.ts';
import type { MethodName, Result } from '../control/schema.ts';
import { MAX_PING_COUNT, MAX_PING_TIMEOUT_MS } from '../control/schema.ts';
import { VERSION } from '../control/version.ts';
import { completionScript, SHELLS, type Shell } from './completion.ts';
import { ask } from './control-client.ts';
import { runInDaemonProgram } from './daemon-program.ts';
import { showGateway, showPing } from './show-gateway.ts';
import { showDelivery, showLinks } from './show-links.ts';
import { showRoutes } from './show-routes.ts';
import { showStatus } from './show-status.ts';
import type { Paint } from './table.ts';

export const DEFAULT_SOCKET = '/run/skywire/control.sock';
/** A person can read one screen a second, and a request costs the daemon next to nothing. */
const WATCH_MS = 1000;
const CLEAR_SCREEN = '\x1b[H\x1b[2J';

/** Where the program's words go. */
export interface Terminal {
  readonly isTerminal: boolean;
  readonly paint: Paint;
  print(text: string): void;
  printError(text: string): void;
  setExitCode(code: number): void;
}

interface Options {
  readonly socket: string;
  readonly json?: true;
}

export function createProgram(terminal: Terminal): Command {
  const program = new Command('skywire');
  program
    .description('Looks at and steers the Skywire daemon on this box.')
    .helpCommand(false)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => terminal.print(text),
      writeErr: (text) => terminal.printError(text),
      outputError: (text, write) => write(usageLine(text)),
    })
    .addHelpText(
      'after',
      `
Examples:
  $ skywire status                      is it connected, since when, and over what
  $ skywire status --json | jq .tunnel  the same for a script
  $ skywire gateway                     which gateways are in reach
  $ skywire gateway use none            carry nothing; the LAN stays closed to the outside

Every command has its own help: skywire COMMAND --help.
Exit codes: 0 done, 1 failed, 2 wrong usage, 3 configuration invalid, 7 key file, 8 daemon not running
(all in docs/exit-codes.md).`,
    );
  addStatusCommand(program, terminal);
  addLinkCommands(program, terminal);
  addGatewayCommand(program, terminal);
  addDeliveryCommand(program, terminal);
  addPingCommand(program, terminal);
  addKeyCommands(program, terminal);
  addSetupCommand(program, terminal);
  addUpdateCommand(program, terminal);
  addProgramCommands(program, terminal);
  return program;
}

/** What commander complains about, as the one line that every error of this program is. */
function usageLine(text: string): string {
  const words = text
    .replace(/^error: /, '')
    .split(/\s*\n\s*/)
    .filter((line) => line !== '')
    .join(' ');
  return `skywire: ${words.replace(/[.]$/, '')}. See \`skywire --help\`\n`;
}

function withSocket(command: Command): Command {
  return command
    .addOption(
      new Option('--socket <path>', "the daemon's control socket").env('SKYWIRE_SOCKET').default(DEFAULT_SOCKET),
    )
    .option('--json', 'print the stable JSON of docs/cli.md on one line');
}

/** Asks and prints: the whole of most commands. */
async function askAndPrint<Method extends MethodName>(
  terminal: Terminal,
  options: Options,
  method: Method,
  params: Parameters<typeof ask<Method>>[2],
  show: (result: Result<Method>, paint: Paint) => string,
): Promise<Result<Method>> {
  const { result, raw } = await ask(options.socket, method, params);
  terminal.print(options.json ? `${JSON.stringify(raw)}\n` : show(result, terminal.paint));
  return result;
}

function addStatusCommand(program: Command, terminal: Terminal): void {
  withSocket(program.command('status').description('The node at a glance'))
    .option('--watch', 'show it again every second until Ctrl-C')
    .addHelpText(
      'after',
      `
The tunnel is "connected" only while bytes come back from the gateway; when they stop it is "lost".

Examples:
  $ skywire status --watch
  $ skywire status --json | jq -r .tunnel.state`,
    )
    .action(async (options: Options & { watch?: true }) => {
      const redraw = options.watch && terminal.isTerminal && !options.json;
      do {
        await askAndPrint(terminal, options, 'status', {}, (result, paint) => {
          const screen = showStatus(result, paint);
          return redraw ? CLEAR_SCREEN + screen : screen + (options.watch ? '\n' : '');
        });
        if (options.watch) await sleep(WATCH_MS);
      } while (options.watch);
    });
}

function addLinkCommands(program: Command, terminal: Terminal): void {
  withSocket(program.command('links').description('The neighbours: state, round trip, loss, rate, traffic'))
    .addHelpText(
      'after',
      `
QUEUE is the part of the round trip that is waiting, LOSS the share of this node's datagrams that
did not arrive, RATE what arrived, RESENT the datagrams whose contents were sent again.

Example, the keys of neighbours that are down:
  $ skywire links --json | jq -r '.links[] | select(.state != "up").key'`,
    )
    .action(
      async (options: Options) =>
        void (await askAndPrint(terminal, options, 'links', {}, ({ links }, paint) => showLinks(links, paint))),
    );

  withSocket(program.command('peers').description('The same as links; in JSON the list is called "peers"')).action(
    async (options: Options) =>
      void (await askAndPrint(terminal, options, 'peers', {}, ({ peers }, paint) => showLinks(peers, paint))),
  );

  withSocket(program.command('routes').description('The routes to the gateway, and all that this node carries'))
    .addHelpText(
      'after',
      `
The first hop of a path is a neighbour, the last one the gateway. LOST counts messages given up on a
route, RESENT those of them sent again on another.

The last table has each direction of the routes in use at this node, the fullest first: what is kept
here until the next node has it (BUFFER, at most OF), what that one has room for, what leaves, the pieces
sent again and those given up (GONE). Addresses are cut to their beginning.

Example, how full the buffers are, for a script:
  $ skywire routes --json | jq '.buffers.used_bytes'`,
    )
    .action(async (options: Options) => void (await askAndPrint(terminal, options, 'routes', {}, showRoutes)));
}

function addDeliveryCommand(program: Command, terminal: Terminal): void {
  withSocket(program.command('delivery').description('What is done about losses on links and in the tunnel'))
    .argument('[mode]', '"reliable", "unreliable", or a deadline like "150ms"')
    .option('--peer <name>', 'on the link to this neighbour: its address or key')
    .option('--tunnel', 'on the routes to the gateway')
    .addHelpText(
      'after',
      `
Without a mode it shows what is in use. A change holds until the daemon ends; to keep it, set delivery
in the [[peer]] or [tunnel] table of the configuration too.

Examples:
  $ skywire delivery
  $ skywire delivery --peer puXMDoRWFXNWJxRugZgoPUmTGiWMKJe6f1 unreliable
  $ skywire delivery --tunnel 500ms`,
    )
    .action(async (mode: string | undefined, options: Options & { peer?: string; tunnel?: true }) => {
      const { peer, tunnel } = options;
      if (mode === undefined) {
        if (peer !== undefined || tunnel) throw deliveryUsage('a mode is missing');
        await askAndPrint(terminal, options, 'delivery', {}, showDelivery);
        return;
      }
      if ((peer === undefined) === (tunnel === undefined)) throw deliveryUsage('a mode is for one peer or the tunnel');
      const params = peer === undefined ? { tunnel, delivery: mode } : { peer, delivery: mode };
      await askAndPrint(terminal, options, 'delivery.use', params, showDelivery);
    });
}

function deliveryUsage(message: string): Failure {
  return new Failure('usage', message, 'Give --peer NAME or --tunnel, and a mode; see `skywire delivery --help`');
}

function addGatewayCommand(program: Command, terminal: Terminal): void {
  const gateway = withSocket(
    program
      .command('gateway')
      .alias('gateways')
      .description('The gateway in use, and those in reach, the nearest first'),
  )
    .addHelpText(
      'after',
      `
Examples:
  $ skywire gateway
  $ skywire gateway use AtWiDQWLjEB4adL9GF9MNg3sdM9LrNf6YC
  $ skywire gateway use auto            the nearest, and another one when it delivers nothing

RTT and RATE are of the best path, as the nodes on it measured their links. COUNTRY, PRICE, UPLINK and LOAD are what the
gateway says of itself.`,
    )
    .action(async (options: Options) => void (await askAndPrint(terminal, options, 'gateway', {}, showGateway)));
  withSocket(gateway.command('use').description('Change to another gateway'))
    .argument('<gateway>', 'its address or key, "auto" or "none"')
    .addHelpText(
      'after',
      `
Holds until the daemon ends; to keep it, set gateway in the [tunnel] table of the configuration too.
With "none" nothing is carried, and the LAN stays closed to the outside.`,
    )
    .action(async (name: string, _own: Options, command: Command) => {
      // Given before or after the word \`use\`, they mean the same.
      const options = command.optsWithGlobals<Options>();
      await askAndPrint(terminal, options, 'gateway.use', { gateway: name }, showGateway);
    });
}

function addPingCommand(program: Command, terminal: Terminal): void {
  withSocket(program.command('ping').description('Measure the round trip to a node, over a route'))
    .argument('<key>', 'the public key of the node, 66 hex digits')
    .addOption(
      new Option('-c, --count <n>', 'how many echoes').default(4).argParser(wholeNumber('count', 1, MAX_PING_COUNT)),
    )
    .addOption(
      new Option('--timeout <ms>', 'how long each may take, in milliseconds')
        .default(2000)
        .argParser(wholeNumber('timeout', 1, MAX_PING_TIMEOUT_MS)),
    )
    .addHelpText(
      'after',
      `
Ends with exit code 1 when no echo was answered.

Example, the first neighbour that is up:
  $ skywire ping -c 1 "$(skywire links --json | jq -r '[.links[] | select(.state == "up")][0].key')"`,
    )
    .action(async (key: string, options: Options & { count: number; timeout: number }) => {
      const params = { key, count: options.count, timeout_ms: options.timeout };
      const result = await askAndPrint(terminal, options, 'ping', params, showPing);
      if (result.rtts_ms.every((rttMs) => rttMs === null)) terminal.setExitCode(EXIT_CODES.failed);
    });
}

function addKeyCommands(program: Command, terminal: Terminal): void {
  const json = (options: { json?: true }) => (options.json ? ['--json'] : []);

  program
    .command('keygen')
    .description('Make a new node key')
    .option('--out <file>', 'write the secret there, readable by its owner only; an existing file is kept')
    .option('--json', 'print the stable JSON of docs/cli.md on one line')
    .addHelpText(
      'after',
      `
Without --out the secret goes to standard output and nowhere else.

Examples:
  $ skywire keygen --out /var/lib/skywire/node.key
  $ (umask 077; skywire keygen > node.key)`,
    )
    .action((options: { out?: string; json?: true }) => {
      const out = options.out === undefined ? [] : ['--out', options.out];
      terminal.setExitCode(runInDaemonProgram('keygen', [...out, ...json(options)]));
    });

  withSocket(program.command('address').description("This node's address, or that of a key"))
    .argument('[key]', 'a public key, 66 hex digits')
    .option('--key-file <file>', 'a file that keygen wrote')
    .addHelpText(
      'after',
      `
With neither a key nor a key file the running daemon is asked for its own.

Examples:
  $ skywire address
  $ skywire address --key-file /var/lib/skywire/node.key --json`,
    )
    .action(async (key: string | undefined, options: Options & { keyFile?: string }) => {
      if (key !== undefined && options.keyFile !== undefined) {
        throw new Failure('usage', 'a key and --key-file were both given', 'Give one of them');
      }
      if (key !== undefined) return terminal.setExitCode(runInDaemonProgram('address', [key, ...json(options)]));
      if (options.keyFile !== undefined) {
        const args = ['--key-file', options.keyFile, ...json(options)];
        return terminal.setExitCode(runInDaemonProgram('address', args));
      }
      const { address, key: ownKey } = (await ask(options.socket, 'status', {})).result.node;
      terminal.print(options.json ? `${JSON.stringify({ address, key: ownKey })}\n` : `${address}\n`);
    });

  program
    .command('check-config')
    .description('Say everything that is wrong with a configuration file')
    .argument('<file>', 'the TOML file')
    .option('--json', 'print the stable JSON of docs/cli.md on one line')
    .addHelpText(
      'after',
      '\nExample:\n  $ skywire check-config /etc/skywire/skywired.toml && systemctl restart skywired',
    )
    .action((file: string, options: { json?: true }) =>
      terminal.setExitCode(runInDaemonProgram('check-config', [file, ...json(options)])),
    );
}

interface SetupGatewayOptions {
  readonly config?: string;
  readonly uplink?: string;
  readonly dns?: string;
  readonly peer?: readonly string[];
  readonly start: boolean;
  readonly json?: true;
}

function addSetupCommand(program: Command, terminal: Terminal): void {
  const setup = program.command('setup').description('Make this machine a gateway, or its node as new');
  setup
    .command('gateway')
    .description('Make it a gateway, and print the key to hand out')
    .option('--config <file>', 'the configuration to add to (default: /etc/skywire/skywired.toml)')
    .option('--peer <key...>', 'public keys of neighbours, which may then call it')
    .option('--uplink <interface>', 'the way to the internet, instead of the default route')
    .option('--dns <address>', "the resolver for clients, instead of this machine's")
    .option('--no-start', 'write the configuration and the key, and start nothing')
    .option('--json', 'print the stable JSON of docs/cli.md on one line')
    .addHelpText(
      'after',
      `
Adds to the configuration what is missing, makes the node's key if there is none, and starts the services.
Done again, it adds what was named anew and changes nothing else.

Examples:
  $ skywire setup gateway
  $ skywire setup gateway --peer 02baa6a5e76f024deca90a1fec82cc540fa6557867f0571671a64d54c5d4879a1d`,
    )
    .action(({ config, uplink, dns, peer = [], start, json }: SetupGatewayOptions) => {
      const given = (name: string, value: string | undefined) => (value === undefined ? [] : [name, value]);
      const named = [...given('--config', config), ...given('--uplink', uplink), ...given('--dns', dns)];
      const peers = peer.flatMap((key) => ['--peer', key]);
      const switches = [...(start ? [] : ['--no-start']), ...(json ? ['--json'] : [])];
      terminal.setExitCode(runInDaemonProgram('setup', ['gateway', ...named, ...peers, ...switches]));
    });
  setup
    .command('reset')
    .description('Make the node as new; what becomes of its identity has to be said')
    .option('--keep-identity', 'it stays the node that it is')
    .option('--new-identity', 'it becomes another node: its keys are gone for good')
    .option('--config <file>', 'the configuration to begin anew (default: /etc/skywire/skywired.toml)')
    .option('--json', 'print the stable JSON of docs/cli.md on one line')
    .addHelpText(
      'after',
      `
The configuration becomes the first one again, and all that the daemon learned is forgotten.

Example:
  $ skywire setup reset --keep-identity`,
    )
    .action((options: { keepIdentity?: true; newIdentity?: true; config?: string; json?: true }) => {
      const { keepIdentity, newIdentity, config, json } = options;
      const identity = [...(keepIdentity ? ['--keep-identity'] : []), ...(newIdentity ? ['--new-identity'] : [])];
      const named = config === undefined ? [] : ['--config', config];
      const args = ['reset', ...identity, ...named, ...(json ? ['--json'] : [])];
      terminal.setExitCode(runInDaemonProgram('setup', args));
    });
}

interface UpdateOptions extends Options {
  readonly within?: string;
  readonly restart: boolean;
  readonly keep?: true;
}

function addUpdateCommand(program: Command, terminal: Terminal): void {
  withSocket(program.command('update').description('Update the image that this system is, or say what became of that'))
    .argument('[file]', 'an update file')
    .option('--within <seconds>', 'how long the new system may take to show that it works (default: 600)')
    .option('--no-restart', 'install it, and try it at another time')
    .option('--keep', 'keep the system that is on trial')
    .addHelpText(
      'after',
      `
The new system goes into the slot that is not in use and is tried once. It is kept when what works now works
again: the tunnel, or a link, or at least the daemon. Otherwise the machine restarts into the old one.

Example:
  $ skywire update /mnt/skywire-rpi-arm64.update`,
    )
    .action(async (file: string | undefined, { socket, within, restart, keep, json }: UpdateOptions) => {
      const need = file === undefined ? [] : ['--need', await workingPart(socket)];
      const given = [...(file === undefined ? [] : [file]), ...(within === undefined ? [] : ['--within', within])];
      const switches = [...(restart ? [] : ['--no-restart']), ...(keep ? ['--keep'] : []), ...(json ? ['--json'] : [])];
      terminal.setExitCode(runInDaemonProgram('update', [...given, ...need, ...switches]));
    });
}

/** The most of this node that works now. */
async function workingPart(socket: string): Promise<'tunnel' | 'link' | 'daemon'> {
  try {
    const { tunnel, links } = (await ask(socket, 'status', {})).result;
    if (tunnel.state === 'connected') return 'tunnel';
    return links.up > 0 ? 'link' : 'daemon';
  } catch (error) {
    if (error instanceof Failure && error.code === 'not-running') return 'daemon';
    throw error;
  }
}

function addProgramCommands(program: Command, terminal: Terminal): void {
  withSocket(program.command('version').description('The versions of this program and of the running daemon')).action(
    async (options: Options) => {
      const daemon = await ask(options.socket, 'version', {}).catch((error: unknown) => {
        // The question is which versions there are; no daemon is an answer to that.
        if (error instanceof Failure && error.code === 'not-running') return undefined;
        throw error;
      });
      if (options.json) {
        terminal.print(`${JSON.stringify({ version: VERSION, daemon: daemon?.raw ?? null })}\n`);
        return;
      }
      const running = daemon === undefined ? 'not running' : `${daemon.result.version} on ${daemon.result.runtime}`;
      terminal.print(`skywire   ${VERSION}\nskywired  ${running}\n`);
    },
  );

  program
    .command('completion')
    .description('Print a completion script for a shell')
    .addArgument(new Argument('<shell>', 'the shell').choices(SHELLS))
    .addHelpText('after', '\nExample:\n  $ source <(skywire completion bash)')
    .action((shell: Shell) => terminal.print(completionScript(shell, program)));
}

function wholeNumber(name: string, least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^[0-9]+$/.test(text) && value >= least && value <= most) return value;
    throw new InvalidArgumentError(`The ${name} is a whole number from ${least} to ${most}.`);
  };
}
