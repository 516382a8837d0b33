/**
 * `skywire setup gateway`: makes this machine a gateway. What it can find out it does not ask: the uplink is where the default route
 * leads, the resolver is the machine's own, the pool is a private network that it has no part in. It adds to the configuration what
 * is missing, makes the node's key if there is none, starts the services, and says what to hand out. Done again, it changes
 * nothing but what it was told anew (`--peer`). Forwarding, NAT and rules are the daemon's own business when it starts.
 */
import { existsSync, readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { dirname } from 'node:path';
import { parseArgs } from 'node:util';
import { toHex } from '../base/bytes.ts';
import { EXIT_CODES, Failure } from '../base/failure.ts';
import type { Config } from '../control/config.ts';
import { PUBLIC_KEY } from '../control/config-schema.ts';
import { formatIpv4Prefix } from '../control/ip-text.ts';
import { createIdentity } from '../crypto/identity.ts';
import { nobleCurve } from '../crypto/noble-curve.ts';
import { readOwnNetworks } from '../os/network.ts';
import { ensureDirectory, replaceFile } from '../os/store.ts';
import { findResolver, findUplink, foreignDropChains, type Uplink } from '../os/surroundings.ts';
import { acceptConfig, CONFIG_MODE, DEFAULT_CONFIG_FILE } from './config-file.ts';
import { firstConfig } from './first-config.ts';
import { choosePool, type GatewayChoice, withGateway } from './gateway-config.ts';
import { readOrMakeKey } from './key-file.ts';
import { readOptions } from './options.ts';
import { isInstalled, startServices } from './services.ts';
import type { SubcommandOutput } from './subcommands.ts';

interface Handout {
  readonly address: string;
  readonly key: string;
  /** Where neighbours reach it, as far as this machine can know. */
  readonly endpoint: string | undefined;
}

/** @throws Failure usage, config-invalid, key-file, not-permitted, system-tool */
export async function setupGateway(args: readonly string[], output: SubcommandOutput): Promise<number> {
  const options = parse(args);
  const file = options.config ?? DEFAULT_CONFIG_FILE;
  const installed = isInstalled(file);
  const peers = peerKeys(options.peer);
  const uplink = await findUplink();
  const text = existsSync(file) ? readFileSync(file, 'utf8') : firstConfig(hostname());
  const accept = (candidate: string) => acceptConfig(candidate, file, nobleCurve, output.printError);
  const config = accept(text);
  const choice = config.gateway === undefined ? await choose(options, uplink, config) : undefined;
  const wanted = withGateway(text, config, choice, peers);
  // Nothing is written that the daemon would refuse.
  const planned = accept(wanted);
  ensureDirectory(dirname(file));
  if (!existsSync(file) || wanted !== text) await replaceFile(file, wanted, CONFIG_MODE);
  const handout = identify(planned, uplink);
  const started = !options['no-start'] && installed;
  if (started) await startServices();
  const warnings = await firewallWarnings(planned);
  if (options.json) output.print(`${JSON.stringify({ config: file, started, ...handout, warnings })}\n`);
  else output.print(report(file, planned, handout, started, warnings));
  return EXIT_CODES.ok;
}

function parse(args: readonly string[]) {
  return readOptions('skywire setup gateway', () =>
    parseArgs({
      args: [...args],
      options: {
        config: { type: 'string' },
        uplink: { type: 'string' },
        dns: { type: 'string' },
        peer: { type: 'string', multiple: true },
        'no-start': { type: 'boolean' },
        json: { type: 'boolean' },
      },
    }),
  ).values;
}

function peerKeys(texts: readonly string[] = []): string[] {
  return texts.map((text) => {
    if (PUBLIC_KEY.test(text)) return text.toLowerCase();
    throw new Failure('usage', `"${text}" is not a public key`, 'A key is 66 hex digits that begin with 02 or 03');
  });
}

async function choose(
  options: { uplink?: string; dns?: string },
  uplink: Uplink | undefined,
  config: Config,
): Promise<GatewayChoice> {
  const interfaceName = options.uplink ?? uplink?.interface;
  if (interfaceName === undefined) {
    throw new Failure('failed', 'there is no default route', 'Connect this machine, or name its --uplink INTERFACE');
  }
  const dns = options.dns ?? findResolver();
  if (dns === undefined) {
    const remedy = 'Name one that clients may ask: --dns ADDRESS';
    throw new Failure('failed', 'no resolver was found but this machine itself', remedy);
  }
  const lan = config.lan === undefined ? [] : [config.lan.address];
  const pool = choosePool([...(await readOwnNetworks(['lo'])), ...lan]);
  if (pool === undefined) {
    const remedy = 'Write a [gateway] table with another pool: docs/config.md';
    throw new Failure('failed', 'the networks 10.64.0.0/16 to 10.127.0.0/16 are all in use here', remedy);
  }
  return { pool, uplink: interfaceName, dns };
}

function identify(config: Config, uplink: Uplink | undefined): Handout {
  const { address, key } = createIdentity(nobleCurve, readOrMakeKey(config.node.keyFile, nobleCurve));
  const port = config.listen.udp[0].port;
  return { address, key: toHex(key), endpoint: uplink?.address && `${uplink.address}:${port}` };
}

async function firewallWarnings(config: Config): Promise<string[]> {
  const tun = config.gateway!.interface;
  const ports = config.listen.udp.map(({ port }) => port);
  return (await foreignDropChains()).map(({ name, hook }) =>
    hook === 'input'
      ? `the chain ${name} of another firewall drops what it does not know: let UDP port ${ports[0]} in there`
      : `the chain ${name} of another firewall drops what it does not know: let ${tun} through there, both ways`,
  );
}

function report(file: string, config: Config, handout: Handout, started: boolean, warnings: readonly string[]): string {
  const { address, key, endpoint } = handout;
  const { pool, uplink, dns } = config.gateway!;
  const lines = [
    started ? 'This gateway runs' : `This is a gateway once it runs: skywired --config ${file}`,
    `address  ${address}`,
    `key      ${key}`,
    `clients  ${formatIpv4Prefix(pool)}, out over ${uplink}, resolver ${dns}`,
    ...warnings.map((warning) => `warning  ${warning}`),
    '',
    'What a neighbour adds to its configuration:',
    '',
    `  [[peer]]\n  key = "${key}"`,
    ...(endpoint === undefined ? [] : [`  endpoint = "${endpoint}"`]),
    '',
    'What a miner adds that wants to use it, however far away:',
    '',
    `  [tunnel]\n  gateway = "${address}"`,
  ];
  if (config.peers.length === 0) {
    lines.push(
      '',
      'Nobody is its neighbour yet. Once you have the key of one:',
      '',
      '  skywire setup gateway --peer KEY',
    );
  }
  return `${lines.join('\n')}\n`;
}
