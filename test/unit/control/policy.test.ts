/** The rules of the user: what they become, and what is wrong with them by themselves and beside the rest of the file. */
import { expect, test } from 'vitest';
import { parseConfig } from '../../../src/control/config.ts';
import { formatProblem } from '../../../src/control/config-problems.ts';

const KEY = `02${'a'.repeat(64)}`;
const LAN = '[lan]\ninterface = "lan0"';
const DIRECT = 'use = "direct"\nto = ["192.0.2.7"]';

const GATEWAY = 'use = "gateway"\ngateway =';
const ADDRESS = 'QeGi28ogsB1ZjpwByrB4jQUKghpkkJFBhS';
const RULES = `
[[policy]]
use = "direct"
to = ["192.0.2.0/24", "198.51.100.7"]
from = ["192.168.42.16/28"]
protocol = "tcp"
ports = ["443", "8000-8099"]
uplink = "wlan0"

[[policy]]
use = "redundant"
dscp = [46, 34]

[[policy]]
use = "gateway"
gateway = "${KEY.toUpperCase()}"
from = ["192.168.42.7"]
`;

test('rules have the shape that the daemon uses, in their order', () => {
  expect(parseConfig(`${LAN}\n${RULES}`, 'f').config?.policy).toEqual([
    {
      use: 'direct',
      to: [
        { address: 0xc0000200, prefixLength: 24 },
        { address: 0xc6336407, prefixLength: 32 },
      ],
      from: [{ address: 0xc0a82a10, prefixLength: 28 }],
      protocol: 'tcp',
      ports: [
        { first: 443, last: 443 },
        { first: 8_000, last: 8_099 },
      ],
      dscp: undefined,
      gateway: undefined,
      uplink: 'wlan0',
    },
    {
      use: 'redundant',
      to: undefined,
      from: undefined,
      protocol: undefined,
      ports: undefined,
      dscp: [46, 34],
      gateway: undefined,
      uplink: undefined,
    },
    {
      use: 'gateway',
      to: undefined,
      from: [{ address: 0xc0a82a07, prefixLength: 32 }],
      protocol: undefined,
      ports: undefined,
      dscp: undefined,
      gateway: KEY,
      uplink: undefined,
    },
  ]);
});

/** Name, text, line and column, key, words of the message. */
const FAULTS: [string, string, string, string, string][] = [
  ['a policy that does not exist', `[[policy]]\nuse = "fast"\n${LAN}`, '2:7', 'policy[0].use', 'must be "low-latency"'],
  ['a gateway for a use', `[[policy]]\nuse = "${KEY}"\n${LAN}`, '2:7', 'policy[0].use', 'which has a key of its own'],
  ['no gateway', `[[policy]]\nuse = "gateway"\n${LAN}`, '1:1', 'policy[0].gateway', 'is missing'],
  ['any gateway', `[[policy]]\n${GATEWAY} "auto"\n${LAN}`, '3:11', 'policy[0].gateway', 'must be an address'],
  [
    'a gateway for another use',
    `[[policy]]\nuse = "redundant"\ngateway = "${ADDRESS}"\n${LAN}`,
    '3:11',
    'policy[0].gateway',
    'is for rules that say "gateway"',
  ],
  [
    'a gateway by code point',
    `[[policy]]\n${GATEWAY} "${ADDRESS}"\ndscp = [46]\n${LAN}`,
    '4:8',
    'policy[0].dscp',
    "can't change its gateway half-way",
  ],
  [
    'a fifth gateway',
    `${[1, 2, 3, 4, 1, 5].map((i) => `[[policy]]\n${GATEWAY} "${KEY.slice(0, -1)}${i}"`).join('\n')}\n${LAN}`,
    '18:11',
    'policy[5].gateway',
    'one more than the 4',
  ],
  [
    'a device without room for a digit',
    `[tunnel]\ninterface = "a-long-tunnel0"\n[[policy]]\n${GATEWAY} "${ADDRESS}"\n${LAN}`,
    '2:13',
    'tunnel.interface',
    'more than 13 characters',
  ],
  ['a policy without a LAN', '[[policy]]\nuse = "redundant"', '2:7', 'policy[0].use', 'this node has none'],
  [
    'a policy for everybody by name',
    `[[policy]]\nuse = "redundant"\nto = ["0.0.0.0/0"]\n${LAN}`,
    '3:7',
    'policy[0].to[0]',
    'is everybody. Write addresses and networks, like "192.0.2.7" or "192.0.2.0/24"; leave the key out',
  ],
  [
    'a client from elsewhere',
    `[[policy]]\nuse = "redundant"\nfrom = ["192.168.43.2"]\n${LAN}`,
    '3:8',
    'policy[0].from',
    'lies outside of the network of lan.address',
  ],
  [
    'ports of pings',
    `[[policy]]\nuse = "redundant"\nprotocol = "icmp"\nports = ["7"]\n${LAN}`,
    '4:9',
    'policy[0].ports',
    'ICMP has none',
  ],
  [
    'ports backwards',
    `[[policy]]\nuse = "redundant"\nports = ["9-8"]\n${LAN}`,
    '3:10',
    'policy[0].ports[0]',
    'must be a port, or two with a dash',
  ],
  [
    'ports within others',
    `[[policy]]\nuse = "redundant"\nports = ["5-9", "7"]\n${LAN}`,
    '3:9',
    'policy[0].ports',
    'names something twice',
  ],
  [
    'a place within another',
    `[[policy]]\nuse = "redundant"\nto = ["10.0.0.0/8", "10.1.1.1"]\n${LAN}`,
    '3:6',
    'policy[0].to',
    'names something twice',
  ],
  [
    'a code point past the last',
    `[[policy]]\nuse = "redundant"\ndscp = [64]\n${LAN}`,
    '3:9',
    'policy[0].dscp[0]',
    '0 to 63',
  ],
  [
    'an uplink inside the tunnel',
    `[[policy]]\nuse = "redundant"\nuplink = "e"\n${LAN}`,
    '3:10',
    'policy[0].uplink',
    'is for',
  ],
  [
    'an exception for everything',
    `[[policy]]\nuse = "direct"\nuplink = "e"\n${LAN}`,
    '1:1',
    'policy[0].to',
    'is missing',
  ],
  ['an exception by no interface', `[[policy]]\n${DIRECT}\n${LAN}`, '1:1', 'policy[0].uplink', 'is missing'],
  [
    'an exception for half of the internet',
    `[[policy]]\nuse = "direct"\nto = ["128.0.0.0/1"]\nuplink = "e"\n${LAN}`,
    '3:6',
    'policy[0].to',
    'is more than a /8',
  ],
  [
    'an exception by code point',
    `[[policy]]\n${DIRECT}\ndscp = [46]\nuplink = "e"\n${LAN}`,
    '4:8',
    'policy[0].dscp',
    "can't leave the tunnel half-way",
  ],
  [
    'an exception by the LAN',
    `[[policy]]\n${DIRECT}\nuplink = "lan0"\n${LAN}`,
    '4:10',
    'policy[0].uplink',
    'another task',
  ],
  [
    'exceptions by two interfaces',
    `[[policy]]\n${DIRECT}\nuplink = "e"\n[[policy]]\n${DIRECT}\nuplink = "f"\n${LAN}`,
    '8:10',
    'policy[1].uplink',
    'is another one than that of a direct rule above',
  ],
];

test.each(FAULTS)('%s is refused', (_name, text, at, key, words) => {
  const { problems } = parseConfig(text, 'f.toml');
  expect(problems?.map(({ line, column, key: where }) => [`${line}:${column}`, where])).toEqual([[at, key]]);
  expect(formatProblem(problems![0])).toContain(words);
  expect(problems![0].remedy).not.toBe('');
});
