/**
 * The configuration file's tables and keys: type, range, format, default and remedy of each, as valibot schemas. What
 * one key alone can't show to be wrong is in `config-checks.ts`; docs/config.md says the same to people.
 */
import * as v from 'valibot';
import { DELIVERY_COMPLAINT, DELIVERY_REMEDY, parseDelivery } from './delivery-text.ts';
import {
  broadcastAddress,
  networkAddress,
  parseEndpoint,
  parseIpv4,
  parseIpv4Place,
  parseIpv4Prefix,
} from './ip-text.ts';
import { parsePorts } from './port-text.ts';
import { parseBitRate, parseBytes, parseShare } from './quantity-text.ts';

/** More would be a firewall. */
export const MAX_POLICY_RULES = 64;
/** Networks, ports or code points of one condition. */
export const MAX_POLICY_ITEMS = 64;
/** A rooftop in the middle of a town has some dozens. A record carries 64 links (docs/protocol.md section 7): others find paths over the first ones. */
export const MAX_PEERS = 128;
/** A peer has an address or two of each IP version; each one more makes a handshake 250 ms later where all before it are dead. */
const MAX_PEER_ALSO_AT = 3;
/** An endpoint names its socket with one byte; eight are more than any box has use for. */
export const MAX_LISTEN = 8;
export const MAX_ALLOW = 64;
/** docs/protocol.md section 6: routes of one session at once. */
export const MAX_ROUTES = 8;
/** `sockaddr_un` holds 108 bytes with the final zero. */
export const MAX_SOCKET_PATH_BYTES = 107;
const MAX_PATH_BYTES = 4096;
/** Linux: IFNAMSIZ is 16 with the final zero. */
const INTERFACE_NAME = /^(?!\.{1,2}$)[A-Za-z0-9_.-]{1,15}$/;
/** 100 Gb/s: more is a typing mistake. */
const MAX_RATE_MBIT = 100_000;
/** Less than this carries no call. */
const MIN_RATE_BITS_PER_SECOND = 64_000;
const MAX_RATE_BITS_PER_SECOND = MAX_RATE_MBIT * 1e6;
/** A record has two bytes for it (docs/protocol.md section 7). */
const MAX_PRICE = 65_535;
const PRICE_REMEDY = 'Write satoshi for a gigabyte, or 0, or leave the key out, for free';
/** A few routes at their least, and more than any box with this program has. */
const MIN_BUFFER_BYTES = 1e6;
const MAX_BUFFER_BYTES = 64e9;

/** Which way a link carries datagrams by itself; the other way they travel over other links. */
export const DIRECTIONS = ['both', 'send-only', 'receive-only'] as const;
export type Direction = (typeof DIRECTIONS)[number];

/** Whether Real Time goes over two routes at once. */
const REDUNDANCIES = ['auto', 'on', 'off'] as const;
export type Redundancy = (typeof REDUNDANCIES)[number];

/** With whom a node links besides its configured peers (discovery/discovery.ts). */
export const ACCEPTANCES = ['known', 'segment', 'any'] as const;
export type Acceptance = (typeof ACCEPTANCES)[number];
export const MAX_DISCOVERY_INTERFACES = 16;

/** What a radio becomes (radio/plan.ts); `auto`: mesh where it can. */
export const RADIO_MODES = ['auto', 'mesh', 'access-point'] as const;
export type RadioMode = (typeof RADIO_MODES)[number];
const MAX_RADIOS = 8;
/** IEEE 802.11: 32 bytes. */
const MAX_SSID_BYTES = 32;

/** What can make a packet Real Time (tunnel/classifier.ts). */
export const REAL_TIME_RULES = ['dscp', 'icmp', 'dns', 'sparse'] as const;
export type RealTimeRule = (typeof REAL_TIME_RULES)[number];

/** What a rule of the user does with the packets that it is for. */
export const POLICY_USES = ['low-latency', 'high-throughput', 'redundant', 'gateway', 'direct'] as const;
export type PolicyUse = (typeof POLICY_USES)[number];
/** Each has a TUN device, a session and a lease of its own. */
export const MAX_RULE_GATEWAYS = 4;
export const POLICY_PROTOCOLS = ['tcp', 'udp', 'icmp'] as const;
export type PolicyProtocol = (typeof POLICY_PROTOCOLS)[number];

/**
 * The largest packet that still fits one datagram of a 1,500-byte path over IPv6: 1,440 bytes of UDP payload hold 1,408
 * of frames, less 32 DATA frame, 24 seal, 7 sequence, 2 tunnel message (docs/protocol.md sections 2.2, 3, 6.2, 8) is
 * 1,343.
 */
const DEFAULT_MTU_BYTES = 1340;

/** Undefined when the text is right, else what is wrong with it. */
type Complaint = (text: string) => string | undefined;

function text(complain: Complaint, remedy: string) {
  return v.pipe(
    v.string(),
    v.check(
      (input) => complain(input) === undefined,
      (issue) => complain(issue.input) ?? '',
    ),
    v.metadata({ remedy }),
  );
}

function matching(pattern: RegExp, complaint: string): Complaint {
  return (input) => (pattern.test(input) ? undefined : complaint);
}

function wholeNumber(least: number, most: number, remedy: string) {
  const message = `must be a whole number from ${least} to ${most}`;
  return v.pipe(
    v.number(),
    v.check((input) => Number.isInteger(input) && input >= least && input <= most, message),
    v.metadata({ remedy }),
  );
}

function list<Item extends v.GenericSchema>(item: Item, least: number, most: number, remedy: string) {
  return v.pipe(
    v.array(item),
    v.check(
      (input) => input.length >= least && input.length <= most,
      (issue) => `must hold from ${least} to ${most} entries, not ${issue.input.length}`,
    ),
    v.metadata({ remedy }),
  );
}

function path(example: string, mostBytes = MAX_PATH_BYTES) {
  return text(
    (input) => {
      if (!input.startsWith('/')) return 'must be an absolute path';
      if (input.includes('\0')) return 'must not hold a zero byte';
      if (new TextEncoder().encode(input).length > mostBytes) return `must be no longer than ${mostBytes} bytes`;
      return undefined;
    },
    `Write a path that begins with a slash, like ${JSON.stringify(example)}`,
  );
}

function interfaceName(example: string) {
  return text(
    matching(INTERFACE_NAME, 'is no name that a network interface can have (1 to 15 letters, digits, ".", "_" or "-")'),
    `Write the interface's name as \`ip link\` shows it, like "${example}"`,
  );
}

function oneOf(words: readonly string[], remedy: string) {
  const [last, ...others] = words.map((word) => `"${word}"`).reverse();
  const complaint = `must be ${others.reverse().join(', ')} or ${last}`;
  return text((input) => (words.includes(input) ? undefined : complaint), remedy);
}

function flag(key: string) {
  return v.pipe(v.boolean(), v.metadata({ remedy: `Write ${key} = true or ${key} = false` }));
}

function complainOfMemory(input: string): string | undefined {
  const bytes = parseBytes(input);
  if (bytes === undefined) return 'must be an amount of memory';
  return bytes < MIN_BUFFER_BYTES || bytes > MAX_BUFFER_BYTES ? 'must be from 1MB to 64GB' : undefined;
}

function complainOfCap(input: string): string | undefined {
  const share = parseShare(input);
  if (share !== undefined) return share < 0.01 ? 'must be from 1% to 100%' : undefined;
  return parseBitRate(input) === undefined ? 'must be a share of the line, or a rate' : complainOfRate(input);
}

function complainOfRate(input: string): string | undefined {
  const rate = parseBitRate(input);
  if (rate === undefined) return 'must be a rate';
  const inRange = rate >= MIN_RATE_BITS_PER_SECOND && rate <= MAX_RATE_BITS_PER_SECOND;
  return inRange ? undefined : 'must be from 64kbit to 100Gbit';
}

function complainOfHostAddress(input: string): string | undefined {
  const prefix = parseIpv4Prefix(input);
  if (prefix === undefined) return 'must be an IPv4 address with a prefix length';
  if (prefix.prefixLength < 8 || prefix.prefixLength > 30) return 'must have a prefix length from 8 to 30';
  if (!isUnicast(prefix.address)) return 'is not an address that a host can have';
  if (prefix.address === networkAddress(prefix)) return 'is the address of the network itself, not of a host in it';
  if (prefix.address === broadcastAddress(prefix)) return 'is the broadcast address of its network';
  return undefined;
}

function complainOfNetwork(input: string): string | undefined {
  const prefix = parseIpv4Prefix(input);
  if (prefix === undefined) return 'must be an IPv4 network with a prefix length';
  if (prefix.address !== networkAddress(prefix)) return 'has bits set behind its prefix length';
  return undefined;
}

function complainOfPlace(input: string): string | undefined {
  const prefix = parseIpv4Place(input);
  if (prefix === undefined) return 'must be an IPv4 address or network';
  if (prefix.address !== networkAddress(prefix)) return 'has bits set behind its prefix length';
  return prefix.prefixLength === 0 ? 'is everybody' : undefined;
}

function complainOfUse(input: string): string | undefined {
  if ((POLICY_USES as readonly string[]).includes(input)) return undefined;
  if (isNodeName(input)) return 'is the name of a gateway, which has a key of its own';
  return 'must be "low-latency", "high-throughput", "redundant", "gateway" or "direct"';
}

function complainOfPool(input: string): string | undefined {
  const complaint = complainOfNetwork(input);
  if (complaint !== undefined) return complaint;
  const prefix = parseIpv4Prefix(input)!;
  if (prefix.prefixLength < 8 || prefix.prefixLength > 30) return 'must have a prefix length from 8 to 30';
  return isUnicast(prefix.address) ? undefined : 'is not a network that hosts can be in';
}

/** Not "this network", loopback, multicast or reserved (RFC 6890). */
function isUnicast(address: number): boolean {
  const first = address >>> 24;
  return first !== 0 && first !== 127 && first < 224;
}

function complainOfPeerEndpoint(input: string): string | undefined {
  const endpoint = parseEndpoint(input);
  if (endpoint === undefined) return 'must be an IP address with a port';
  if (endpoint.family === 4) {
    const address = parseIpv4(endpoint.address)!;
    return address >>> 24 === 0 || address >>> 24 >= 224 ? 'is not an address that a peer can have' : undefined;
  }
  const unspecified = /^[0:.]*$/.test(endpoint.address);
  return unspecified || /^ff/i.test(endpoint.address) ? 'is not an address that a peer can have' : undefined;
}

/** Form only. */
export const PUBLIC_KEY = /^0[23][0-9a-f]{64}$/i;
/** Base58 of 25 bytes that end in a zero version and a checksum; the checksum itself is for who has the hash. */
const ADDRESS = /^[1-9A-HJ-NP-Za-km-z]{25,35}$/;

/** A node is named by its address or by its key. Form only. */
/** Of a public key in hex. */
export const KEY_CHARACTERS = 66;

export function isNodeName(input: string): boolean {
  return PUBLIC_KEY.test(input) || ADDRESS.test(input);
}

export const DeliveryText = text(
  (input) => (parseDelivery(input) === undefined ? DELIVERY_COMPLAINT : undefined),
  DELIVERY_REMEDY,
);

export const PublicKeyText = text(
  matching(PUBLIC_KEY, 'must be a public key: 66 hex digits that begin with 02 or 03'),
  'Ask the other node for it: `skywire address --json` shows its key',
);

export const NodeName = text(
  (input) => (isNodeName(input) ? undefined : 'must be an address or a public key'),
  'Write the address or key of a neighbour (`skywire links` lists them)',
);

export const GatewayName = text(
  (input) =>
    input === 'none' || input === 'auto' || isNodeName(input)
      ? undefined
      : 'must be "none", "auto", an address or a public key',
  'Write gateway = "auto" for the nearest, "none", or the address or key of a gateway (`skywire gateway` lists those in reach)',
);

const NodeTable = v.object({
  name: v.optional(
    text(
      matching(/^[A-Za-z0-9]([A-Za-z0-9._-]{0,62}[A-Za-z0-9])?$/, 'must be 1 to 64 letters, digits, ".", "_" or "-"'),
      'Write a plain name, like "attic"; it is shown to you only',
    ),
    'skywire',
  ),
  key_file: v.optional(path('/var/lib/skywire/node.key')),
  state_dir: v.optional(path('/var/lib/skywire'), '/var/lib/skywire'),
});

const ListenTable = v.object({
  udp: v.optional(
    list(
      text(
        (input) => (parseEndpoint(input) === undefined ? 'must be an IP address with a port' : undefined),
        'Write it like "0.0.0.0:6969" or "[::]:6969"',
      ),
      1,
      MAX_LISTEN,
      'Write it like udp = ["0.0.0.0:6969", "[::]:6969"]',
    ),
    ['0.0.0.0:6969', '[::]:6969'],
  ),
  tcp: v.optional(
    list(
      text(
        (input) => (parseEndpoint(input) === undefined ? 'must be an IP address with a port' : undefined),
        'Write it like "0.0.0.0:443" or "[::]:443"',
      ),
      0,
      MAX_LISTEN,
      'Write it like tcp = ["0.0.0.0:443"], or leave it out for none',
    ),
    [],
  ),
});

const BuffersTable = v.object({
  memory: v.optional(
    text(complainOfMemory, 'Write what the traffic on its way may take up at most, like memory = "64MB"'),
    '64MB',
  ),
});

const PeerTable = v.pipe(
  v.object({
    key: PublicKeyText,
    endpoint: v.optional(
      text(
        complainOfPeerEndpoint,
        'Write it like "192.0.2.7:6969" or "[2001:db8::7]:6969" (names are not looked up), or leave the key out and let the peer call',
      ),
    ),
    also_at: v.optional(
      list(
        text(complainOfPeerEndpoint, 'Write each like "192.0.2.7:6969" or "[2001:db8::7]:6969"'),
        1,
        MAX_PEER_ALSO_AT,
        'Write other addresses of the same peer, like also_at = ["192.0.2.7:6969"], or leave the key out',
      ),
    ),
    tcp: v.optional(
      text(
        complainOfPeerEndpoint,
        'Write where the peer listens for TCP ([listen] tcp there), like "192.0.2.7:443", or leave the key out',
      ),
    ),
    delivery: v.optional(DeliveryText, 'reliable'),
    direction: v.optional(
      oneOf(
        DIRECTIONS,
        'Leave it out for "both", or say what this node does on the link: "send-only" or "receive-only"',
      ),
      'both',
    ),
  }),
  v.metadata({ remedy: 'Begin each peer with [[peer]], in two brackets' }),
);

const DiscoveryTable = v.object({
  interfaces: v.optional(
    list(
      interfaceName('eth0'),
      0,
      MAX_DISCOVERY_INTERFACES,
      'Write it like interfaces = ["eth0", "wlan0"], interfaces = [] for none, or leave it out for all but the LAN',
    ),
  ),
  accept: v.optional(
    oneOf(ACCEPTANCES, 'Leave it out for "segment": whoever is plugged into the same cable or Wifi'),
    'segment',
  ),
});

const WifiTable = v.object({
  country: text(
    matching(/^[A-Z]{2}$/, 'is no country code'),
    'Write the country where the box stands, two capitals of ISO 3166-1, like "DE": it says what radios may do',
  ),
  radios: v.optional(
    list(
      text(
        matching(/^[A-Za-z0-9_-]{1,32}$/, 'is no name of a radio'),
        'Write names as `iw phy` shows them, like "phy0"',
      ),
      1,
      MAX_RADIOS,
      'Write it like radios = ["phy0"], or leave it out for all',
    ),
  ),
  mode: v.optional(oneOf(RADIO_MODES, 'Leave it out for "auto": a mesh where the radio can'), 'auto'),
  channel: v.optional(wholeNumber(1, 177, 'Leave it out: boxes choose the same one by themselves')),
});

const HotspotTable = v.object({
  ssid: text((input) => {
    const bytes = new TextEncoder().encode(input).length;
    return bytes < 1 || bytes > MAX_SSID_BYTES ? `must be 1 to ${MAX_SSID_BYTES} bytes long` : undefined;
  }, 'Write what the network is called, like ssid = "Free network"'),
  address: v.optional(
    text(complainOfHostAddress, 'Write the address of this box in the hotspot, like "192.168.43.1/24"'),
    '192.168.43.1/24',
  ),
  rate: v.optional(text(complainOfRate, 'Write what each client gets in each direction, like rate = "5Mbit"'), '5Mbit'),
});

const LanTable = v.object({
  interface: interfaceName('eth0'),
  address: v.optional(
    text(complainOfHostAddress, 'Write the address of this box in its LAN, like "192.168.42.1/24"'),
    '192.168.42.1/24',
  ),
  dhcp: v.optional(flag('dhcp'), true),
});

const TunnelTable = v.object({
  gateway: v.optional(GatewayName, 'none'),
  routes: v.optional(wholeNumber(1, MAX_ROUTES, 'Two routes are a good start: routes = 2'), 2),
  mtu: v.optional(
    wholeNumber(576, 9000, `Leave it out for ${DEFAULT_MTU_BYTES}, which fits nearly every path`),
    DEFAULT_MTU_BYTES,
  ),
  interface: v.optional(interfaceName('sky0'), 'sky0'),
  delivery: v.optional(DeliveryText, 'reliable'),
  redundancy: v.optional(
    oneOf(REDUNDANCIES, 'Leave it out for "auto", or write "on" or "off": whether calls go over two routes at once'),
    'auto',
  ),
  seal_twice: v.optional(flag('seal_twice'), true),
});

const QosTable = v.object({
  real_time: v.optional(
    list(
      oneOf(REAL_TIME_RULES, 'docs/config.md says what each of them means; for all Bulk write real_time = []'),
      0,
      REAL_TIME_RULES.length,
      'Write it like real_time = ["dscp", "icmp"], each name once',
    ),
    [...REAL_TIME_RULES],
  ),
});

function places(example: string) {
  return list(
    text(
      complainOfPlace,
      'Write addresses and networks, like "192.0.2.7" or "192.0.2.0/24"; leave the key out for everybody',
    ),
    1,
    MAX_POLICY_ITEMS,
    `Write it like ${example}`,
  );
}

const PolicyTable = v.pipe(
  v.object({
    use: text(
      complainOfUse,
      'docs/config.md says what each of them does; for a gateway: use = "gateway", gateway = "its address"',
    ),
    to: v.optional(places('to = ["192.0.2.0/24"]')),
    from: v.optional(places('from = ["192.168.42.20"]')),
    protocol: v.optional(oneOf(POLICY_PROTOCOLS, 'Leave it out for all protocols')),
    ports: v.optional(
      list(
        text(
          (input) => (parsePorts(input) === undefined ? 'must be a port, or two with a dash' : undefined),
          'Write it like "5060" or "10000-20000"',
        ),
        1,
        MAX_POLICY_ITEMS,
        'Write it like ports = ["5060", "10000-20000"]',
      ),
    ),
    dscp: v.optional(
      list(
        wholeNumber(0, 63, 'Write code points as numbers: 46 is EF'),
        1,
        MAX_POLICY_ITEMS,
        'Write it like dscp = [46]',
      ),
    ),
    gateway: v.optional(
      text(
        (input) => (isNodeName(input) ? undefined : 'must be an address or a public key'),
        'Write the address or key of a gateway; `skywire gateway` lists those in reach',
      ),
    ),
    uplink: v.optional(interfaceName('eth1')),
  }),
  v.metadata({ remedy: 'Begin each rule with [[policy]], in two brackets' }),
);

const TransitTable = v.object({
  own_first: v.optional(flag('own_first'), false),
  cap: v.optional(
    text(complainOfCap, 'Write a share or a rate, like cap = "80%" or cap = "20Mbit", or leave it out for no cap'),
  ),
  price: v.optional(wholeNumber(0, MAX_PRICE, PRICE_REMEDY), 0),
});

const GatewayTable = v.object({
  enable: v.optional(flag('enable'), false),
  pool: v.optional(text(complainOfPool, 'Write a network that nobody around here uses, like "10.64.0.0/16"')),
  uplink: v.optional(interfaceName('eth0')),
  dns: v.optional(
    text(
      (input) => (parseIpv4(input) === undefined ? 'must be an IPv4 address' : undefined),
      'Write the address of the resolver that clients shall use, like "192.0.2.53"',
    ),
  ),
  allow: v.optional(
    list(
      text(complainOfNetwork, 'Write networks like "10.0.0.0/8", and a single host like "10.1.2.3/32"'),
      0,
      MAX_ALLOW,
      'Write it like allow = ["10.1.2.0/24"], or allow = [] for none',
    ),
    [],
  ),
  rate_limit: v.optional(
    wholeNumber(1, MAX_RATE_MBIT, 'Write megabits a second for each client, or leave the key out for no limit'),
  ),
  country: v.optional(
    text(matching(/^[A-Z]{2}$/, 'is no country code'), 'Write two capitals of ISO 3166-1, like "DE"'),
  ),
  price: v.optional(wholeNumber(0, MAX_PRICE, PRICE_REMEDY), 0),
  rate: v.optional(text(complainOfRate, 'Write the rate of the line to the internet, like "100Mbit"')),
  interface: v.optional(interfaceName('skyg0'), 'skyg0'),
});

const ControlTable = v.object({
  socket: v.optional(path('/run/skywire/control.sock', MAX_SOCKET_PATH_BYTES), '/run/skywire/control.sock'),
});

const OFFLOAD_REMEDY =
  'Write "/dev/uio0,udmabuf0" for a board, or "unix:/run/skywire/offload.sock" for a simulated device (docs/hardware.md)';

const OffloadTable = v.object({
  device: text(
    matching(/^(unix:\/[^\0]{1,106}|\/dev\/[A-Za-z0-9]+,[A-Za-z0-9_-]+)$/, 'names no offload device'),
    OFFLOAD_REMEDY,
  ),
  least_batch: v.optional(
    wholeNumber(1, 128, 'Leave it out: what is quicker is measured. 1 gives the device everything'),
  ),
});

export const ConfigFile = v.object({
  node: v.optional(NodeTable, {}),
  listen: v.optional(ListenTable, {}),
  buffers: v.optional(BuffersTable, {}),
  peer: v.optional(list(PeerTable, 0, MAX_PEERS, 'Begin each peer with [[peer]], in two brackets'), []),
  discovery: v.optional(DiscoveryTable, {}),
  wifi: v.optional(WifiTable),
  hotspot: v.optional(HotspotTable),
  lan: v.optional(LanTable),
  tunnel: v.optional(TunnelTable, {}),
  qos: v.optional(QosTable, {}),
  policy: v.optional(list(PolicyTable, 0, MAX_POLICY_RULES, 'Begin each rule with [[policy]], in two brackets'), []),
  transit: v.optional(TransitTable, {}),
  gateway: v.optional(GatewayTable, {}),
  control: v.optional(ControlTable, {}),
  offload: v.optional(OffloadTable),
});

export type ConfigFile = v.InferOutput<typeof ConfigFile>;
