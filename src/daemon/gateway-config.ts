/** The configuration of a gateway, written behind what stands there already: nothing that a person wrote is changed. */
import { Failure } from '../base/failure.ts';
import type { Config } from '../control/config.ts';
import { formatIpv4Prefix, type Ipv4Prefix, overlap } from '../control/ip-text.ts';

/** Private networks of the clients to choose from, the first that this machine has no part in: 10.64.0.0/16 and on. */
const FIRST_POOL = { address: 10 * 2 ** 24 + 64 * 2 ** 16, prefixLength: 16 } as const;
const POOLS = 64;

export interface GatewayChoice {
  readonly pool: Ipv4Prefix;
  readonly uplink: string;
  /** IPv4 address of the resolver for clients. */
  readonly dns: string;
}

/** Undefined when this machine's own networks lie in all of them. */
export function choosePool(ownNetworks: readonly Ipv4Prefix[]): Ipv4Prefix | undefined {
  for (let index = 0; index < POOLS; index++) {
    const pool = { ...FIRST_POOL, address: FIRST_POOL.address + index * 2 ** (32 - FIRST_POOL.prefixLength) };
    if (!ownNetworks.some((network) => overlap(network, pool))) return pool;
  }
  return undefined;
}

/**
 * The text with a gateway as in `choice` (undefined: `config`, which is what the text holds, has one already), and those of
 * `peers` that it does not name.
 * @throws Failure config-invalid when somebody switched a gateway off
 */
export function withGateway(
  text: string,
  config: Config,
  choice: GatewayChoice | undefined,
  peers: readonly string[],
): string {
  const added: string[] = [];
  if (choice !== undefined) {
    if (/^\s*\[gateway\]/m.test(text)) {
      const remedy = 'Set enable = true in it, or remove it, and try again';
      throw new Failure('config-invalid', 'the configuration has a [gateway] table that is switched off', remedy);
    }
    const { pool, uplink, dns } = choice;
    const lines = ['[gateway]', 'enable = true', `pool = "${formatIpv4Prefix(pool)}"`, `uplink = "${uplink}"`];
    added.push([...lines, `dns = "${dns}"`, ''].join('\n'));
  }
  const known = new Set(config.peers.map(({ key }) => key));
  for (const key of new Set(peers)) if (!known.has(key)) added.push(`[[peer]]\nkey = "${key}"\n`);
  if (added.length === 0) return text;
  return [text.trimEnd(), ...added].join('\n\n');
}
