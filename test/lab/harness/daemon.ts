/** Real daemons in a lab: keys, configuration files, `skywired` and its control socket. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PROJECT_ROOT } from '../../../scripts/named-runs.ts';
import { toHex } from '../../../src/base/bytes.ts';
import { ask } from '../../../src/cli/control-client.ts';
import type { MethodName, Params, Result } from '../../../src/control/schema.ts';
import { createIdentity } from '../../../src/crypto/identity.ts';
import { nobleCurve } from '../../../src/crypto/noble-curve.ts';
import { createSecret, writeKeyFile } from '../../../src/daemon/key-file.ts';
import { type Host, type Lab, tool } from './lab.ts';
import type { LabProcess } from './lab-process.ts';
import { until } from './until.ts';

/** As the packages start it: V8's threads as many as there are processors to spare, little garbage and little free memory left lying. */
const NODE = ['env', 'MALLOC_ARENA_MAX=1', process.execPath, '--v8-pool-size=0', '--max-semi-space-size=2'];
const DAEMON_PROGRAM = join(PROJECT_ROOT, 'dist', 'skywired.mjs');
export const CLI_PROGRAM = join(PROJECT_ROOT, 'dist', 'skywire.mjs');
const START_DEADLINE_MS = 15_000;

type TomlValue = string | number | boolean | readonly string[] | readonly number[];
export type Table = Readonly<Record<string, TomlValue>>;

/** The configuration file, table by table (docs/config.md); `node.key_file`, `node.state_dir` and `control.socket` are filled in. */
export interface NodeConfig {
  readonly listen?: Table;
  readonly buffers?: Table;
  readonly peers: readonly Table[];
  /** Without it the node looks for nobody: a lab lays its own links. */
  readonly discovery?: Table;
  readonly wifi?: Table;
  readonly hotspot?: Table;
  readonly lan?: Table;
  readonly tunnel?: Table;
  readonly gateway?: Table;
  readonly qos?: Table;
  readonly policy?: readonly Table[];
  readonly transit?: Table;
}

/** JSON's texts, numbers and lists of them are TOML's. */
function toToml(header: string, table: Table | undefined): string {
  if (!table) return '';
  const lines = Object.entries(table).map(([key, value]) => `${key} = ${JSON.stringify(value)}`);
  return `${header}\n${lines.join('\n')}\n\n`;
}

export class Daemon {
  readonly host: Host;
  /** Public key in hex, and the address made of it. */
  readonly key: string;
  readonly address: string;
  readonly configFile: string;
  readonly socket: string;
  readonly directory: string;
  private readonly programArgs: readonly string[];
  private process: LabProcess | undefined;

  /**
   * Makes the node's key. `programArgs` go to skywired behind `--config FILE`: `['--datapath', 'portable']`. `folder` names
   * its files: a host that runs one node after another needs one for each.
   */
  constructor(lab: Lab, host: Host, programArgs: readonly string[] = [], folder = `node-${host.name}`) {
    this.host = host;
    this.programArgs = programArgs;
    this.directory = lab.file(folder);
    mkdirSync(this.directory);
    this.configFile = join(this.directory, 'skywired.toml');
    this.socket = join(this.directory, 'control.sock');
    const { secret, key, address } = createIdentity(nobleCurve, createSecret(nobleCurve));
    writeKeyFile(this.keyFile, secret);
    this.key = toHex(key);
    this.address = address;
  }

  get keyFile(): string {
    return join(this.directory, 'node.key');
  }

  configure(config: NodeConfig): void {
    const node = { name: this.host.name, key_file: this.keyFile, state_dir: join(this.directory, 'state') };
    const tables = [
      toToml('[node]', node),
      toToml('[listen]', config.listen),
      toToml('[buffers]', config.buffers),
      ...config.peers.map((peer) => toToml('[[peer]]', peer)),
      toToml('[discovery]', config.discovery ?? { interfaces: [] }),
      toToml('[wifi]', config.wifi),
      toToml('[hotspot]', config.hotspot),
      toToml('[lan]', config.lan),
      toToml('[tunnel]', config.tunnel),
      toToml('[gateway]', config.gateway),
      toToml('[qos]', config.qos),
      ...(config.policy ?? []).map((rule) => toToml('[[policy]]', rule)),
      toToml('[transit]', config.transit),
      toToml('[control]', { socket: this.socket }),
    ];
    writeFileSync(this.configFile, tables.join(''));
  }

  /** The lines of the file in which the daemon keeps whom it found; none before it is written. */
  rememberedPeers(): string[] {
    const file = join(this.directory, 'state', 'peers');
    return existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : [];
  }

  /** Loads the kill switch, as the service does before it starts the daemon. */
  loadFirewall(): void {
    this.host.run(process.execPath, DAEMON_PROGRAM, 'firewall', '--config', this.configFile);
  }

  /** Starts the daemon without waiting for anything; `under` is a program that starts it in its turn, with arguments. */
  launch(...under: string[]): LabProcess {
    const [command, ...args] = [...under, ...NODE, DAEMON_PROGRAM, '--config', this.configFile];
    this.process = this.host.start('skywired', command, [...args, ...this.programArgs]);
    return this.process;
  }

  /** Starts the daemon; resolves when it answers on its control socket. */
  async start(): Promise<LabProcess> {
    const started = this.launch();
    const answers = () => {
      if (!started.running) throw new Error(`it ended at once\n${started.tail()}`);
      return this.ask('version', {});
    };
    await until(`skywired on ${this.host.name}`, START_DEADLINE_MS, answers, () => this.tail());
    return started;
  }

  async ask<Method extends MethodName>(method: Method, params: Partial<Params<Method>>): Promise<Result<Method>> {
    return (await ask(this.socket, method, params as Parameters<typeof ask<Method>>[2])).result;
  }

  /** What a person would type: `skywire ARGS` with `--json`, against this node. */
  cli(...args: string[]): unknown {
    return JSON.parse(tool(process.execPath, CLI_PROGRAM, ...args, '--socket', this.socket, '--json'));
  }

  tail(): string {
    return this.process?.tail() ?? '';
  }

  get running(): boolean {
    return this.process?.running ?? false;
  }

  /** `kill -9`. */
  async kill(): Promise<void> {
    await this.process?.kill();
  }

  /** SIGTERM, as the service manager does; resolves with the exit code. */
  async stop(): Promise<number> {
    return (await this.process?.stop()) ?? 0;
  }
}
