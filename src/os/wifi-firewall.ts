/**
 * What strangers in radio range reach over the networks of the boxes (`sky-mesh`, `sky-ap`, `sky-sta`, and interfaces that NetworkManager lends): beacons and the sockets of the links,
 * and nothing else of the box; nothing is forwarded between such a network and anything. The hotspot has rules of its own (os/firewall.ts).
 */
import { assert } from '../base/assert.ts';
import { BEACON_UDP_PORT } from '../wire/beacon.ts';
import { runTool } from './command.ts';
import { drop, replaceTable } from './nft-text.ts';

export const WIFI_TABLE = 'skywire_wifi';
const NETWORKS = ['sky-mesh*', 'sky-ap*', 'sky-sta*'];

const LENT_SET = 'lent';

/**
 * The same rules for an interface that has another name, while it is in the network of a box.
 * @throws Failure system-tool
 */
export async function guardLentInterface(name: string, lent: boolean): Promise<void> {
  await runTool('nft', [lent ? 'add' : 'delete', 'element', 'inet', WIFI_TABLE, LENT_SET, `{ "${name}" }`]);
}

/** @param udpPorts of the links; @param tcpPorts of their streams */
export function wifiRuleset(udpPorts: readonly number[], tcpPorts: readonly number[]): string {
  assert(udpPorts.length > 0, 'a socket for links');
  const jump = (key: string, chain: string): string =>
    [...NETWORKS.map((name) => `"${name}"`), `@${LENT_SET}`]
      .map((names) => `${key} ${names} goto ${chain}`)
      .join('\n    ');
  const streams = tcpPorts.length === 0 ? '' : `tcp dport { ${tcpPorts.join(', ')} } accept`;
  return replaceTable(
    'inet',
    WIFI_TABLE,
    `
  set ${LENT_SET} {
    type ifname
  }

  chain input {
    type filter hook input priority filter; policy accept;
    ${jump('iifname', 'from_radio')}
  }

  chain from_radio {
    icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept
    udp dport { ${[BEACON_UDP_PORT, ...udpPorts].join(', ')} } accept
    ${streams}
    ct state established,related accept
    ${drop('from radio range to the box')}
  }

  chain forward {
    type filter hook forward priority filter; policy accept;
    ${jump('iifname', 'neither')}
    ${jump('oifname', 'neither')}
  }

  chain neither {
    ${drop('forwarded from or to a network of boxes')}
  }`,
  );
}
