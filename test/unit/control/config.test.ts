import { describe, expect, test } from 'vitest';
import { RELIABLE, SENT_ONCE } from '../../../src/base/traffic-class.ts';
import { parseConfig } from '../../../src/control/config.ts';
import { formatProblem } from '../../../src/control/config-problems.ts';
import { MAX_LISTEN } from '../../../src/control/config-schema.ts';

const KEY_A = `02${'a'.repeat(64)}`;
const KEY_B = `03${'b'.repeat(64)}`;

const FULL = `
[node]
name = "attic"
key_file = "/etc/skywire/node.key"
state_dir = "/var/lib/skywire"

[listen]
udp = ["0.0.0.0:6969", "[::]:6969"]
tcp = ["0.0.0.0:443"]

[buffers]
memory = "1.5GiB"

[[peer]]
key = "${KEY_A.toUpperCase()}"
endpoint = "192.0.2.7:6969"
also_at = ["[2001:db8::7]:6969"]
tcp = "192.0.2.7:443"
delivery = "150ms"
direction = "send-only"

[[peer]]
key = "${KEY_B}"

[discovery]
interfaces = ["eth1", "wlan0"]
accept = "known"

[lan]
interface = "eth0"
address = "192.168.42.1/24"
dhcp = true

[tunnel]
gateway = "AtWiDQWLjEB4adL9GF9MNg3sdM9LrNf6YC"
routes = 3
mtu = 1400
delivery = "unreliable"
redundancy = "on"
seal_twice = false

[qos]
real_time = ["dscp", "dns"]

[transit]
own_first = true
cap = "20Mbit"
price = 16

[gateway]
enable = true
pool = "10.64.0.0/16"
uplink = "eth1"
dns = "192.0.2.53"
allow = ["10.1.0.0/16"]
rate_limit = 50
country = "DE"
price = 20
rate = "100Mbit"

[control]
socket = "/run/skywire/control.sock"
`;

describe('a configuration that is right', () => {
  test('has every key of the contract, in the shape that the daemon uses', () => {
    expect(parseConfig(FULL, 'f').config).toEqual({
      node: { name: 'attic', keyFile: '/etc/skywire/node.key', stateDir: '/var/lib/skywire' },
      listen: {
        udp: [
          { family: 4, address: '0.0.0.0', port: 6969 },
          { family: 6, address: '::', port: 6969 },
        ],
        tcp: [{ family: 4, address: '0.0.0.0', port: 443 }],
      },
      buffers: { memoryBytes: 1.5 * 2 ** 30 },
      peers: [
        {
          key: KEY_A,
          endpoint: { family: 4, address: '192.0.2.7', port: 6969 },
          alsoAt: [{ family: 6, address: '2001:db8::7', port: 6969 }],
          tcp: { family: 4, address: '192.0.2.7', port: 443 },
          deliveryMs: 150,
          direction: 'send-only',
        },
        { key: KEY_B, endpoint: undefined, alsoAt: [], tcp: undefined, deliveryMs: RELIABLE, direction: 'both' },
      ],
      discovery: { interfaces: ['eth1', 'wlan0'], accept: 'known' },
      lan: { interface: 'eth0', address: { address: 0xc0a82a01, prefixLength: 24 }, dhcp: true },
      tunnel: {
        gateway: 'AtWiDQWLjEB4adL9GF9MNg3sdM9LrNf6YC',
        routes: 3,
        mtuBytes: 1400,
        interface: 'sky0',
        deliveryMs: SENT_ONCE,
        redundancy: 'on',
        sealsTwice: false,
      },
      qos: { realTime: { dscp: true, icmp: false, dns: true, sparse: false } },
      policy: [],
      transit: { ownFirst: true, cap: { bytesPerMs: 2_500 }, price: 16 },
      gateway: {
        pool: { address: 0x0a400000, prefixLength: 16 },
        uplink: 'eth1',
        dns: '192.0.2.53',
        allow: [{ address: 0x0a010000, prefixLength: 16 }],
        rateLimitBitsPerSecond: 50_000_000,
        advert: { country: 'DE', price: 20, rateKbps: 100_000 },
        interface: 'skyg0',
      },
      control: { socket: '/run/skywire/control.sock' },
    });
  });

  test('may be empty: a relay that listens and has no peers', () => {
    expect(parseConfig('', 'f').config).toEqual({
      node: { name: 'skywire', keyFile: '/var/lib/skywire/node.key', stateDir: '/var/lib/skywire' },
      listen: {
        udp: [
          { family: 4, address: '0.0.0.0', port: 6969 },
          { family: 6, address: '::', port: 6969 },
        ],
        tcp: [],
      },
      buffers: { memoryBytes: 64_000_000 },
      peers: [],
      discovery: { interfaces: undefined, accept: 'segment' },
      lan: undefined,
      tunnel: {
        gateway: 'none',
        routes: 2,
        mtuBytes: 1340,
        interface: 'sky0',
        deliveryMs: RELIABLE,
        redundancy: 'auto',
        sealsTwice: true,
      },
      qos: { realTime: { dscp: true, icmp: true, dns: true, sparse: true } },
      policy: [],
      transit: { ownFirst: false, cap: undefined, price: 0 },
      gateway: undefined,
      control: { socket: '/run/skywire/control.sock' },
      offload: undefined,
    });
  });

  test('may name an offload device, a board or a simulated one, and say from which batch on it is used', () => {
    const offload = (text: string) => parseConfig(`[offload]\n${text}`, 'f').config?.offload;
    expect(offload('device = "/dev/uio0,udmabuf0"')).toEqual({ device: '/dev/uio0,udmabuf0', leastBatch: undefined });
    expect(offload('device = "unix:/run/sky/o.sock"\nleast_batch = 1')).toEqual({
      device: 'unix:/run/sky/o.sock',
      leastBatch: 1,
    });
  });

  test('keeps the key file in the state directory unless told otherwise', () => {
    const { config } = parseConfig('[node]\nstate_dir = "/srv/sky"', 'f');
    expect(config?.node.keyFile).toBe('/srv/sky/node.key');
  });

  test('may describe a gateway without enabling it', () => {
    expect(parseConfig('[gateway]\npool = "10.64.0.0/16"', 'f').config?.gateway).toBeUndefined();
  });

  test('may name the gateway by its key', () => {
    const { config } = parseConfig(`[tunnel]\ngateway = "${KEY_A.toUpperCase()}"`, 'f');
    expect(config?.tunnel.gateway).toBe(KEY_A);
  });
});

/** Text, then LINE:COLUMN, key, and a part of the message or remedy, for the one problem that it has. */
const FAULTS: [name: string, text: string, at: string, key: string, words: string][] = [
  // What the parser refuses.
  ['no TOML', '[node]\nname "x"', '2:6', '', 'is not TOML'],
  ['the same key twice', '[node]\nname = "a"\nname = "b"', '3:1', '', 'multiple times'],
  ['an open text', '[node]\nname = "x', '2:10', '', 'Unterminated'],
  ['nesting without end', `a = ${'['.repeat(20)}${']'.repeat(20)}`, '1:21', '', 'deeper than 16'],
  // Unknown keys.
  ['a mistyped key', '[node]\nnmae = "x"', '2:1', 'node.nmae', 'Did you mean name?'],
  ['a key of another table', '[node]\nroutes = 2', '2:1', 'node.routes', 'Did you mean tunnel.routes?'],
  [
    'a key of a peer elsewhere',
    `[lan]\ninterface = "e"\nendpoint = "x"`,
    '3:1',
    'lan.endpoint',
    'Did you mean peer.endpoint?',
  ],
  ['a key that is like none', '[control]\nfoo = 1', '2:1', 'control.foo', 'The keys of [control] are socket'],
  ['a mistyped table', '[nod]\n', '1:2', 'nod', 'Did you mean node?'],
  ['a table that is like none', '\n[firewall]\n', '2:2', 'firewall', 'The tables are node, listen'],
  ['a key outside of tables', 'x = 1', '1:1', 'x', 'is not a table that exists'],
  ['a key of the prototype', '[node]\n__proto__ = 1', '2:1', 'node.__proto__', 'is not a key that exists'],
  ['a table below a table', '[node.x]\ny = 1', '1:7', 'node.x', 'is not a key that exists'],
  ['a key with odd letters', '[node]\n"a b" = 1', '2:1', 'node."a b"', 'is not a key that exists'],
  [
    'an unknown key of the second peer',
    `[[peer]]\nkey = "${KEY_A}"\n[[peer]]\nkey = "${KEY_B}"\nport = 1`,
    '5:1',
    'peer[1].port',
    'is not a key that exists',
  ],
  ['an offload device without a name', '[offload]\nleast_batch = 1', '1:1', 'offload.device', ''],
  [
    'an offload device of no kind',
    '[offload]\ndevice = "/dev/ttyS0"',
    '2:10',
    'offload.device',
    'names no offload device',
  ],
  [
    'a batch larger than there are',
    '[offload]\ndevice = "unix:/x"\nleast_batch = 129',
    '3:15',
    'offload.least_batch',
    'from 1 to 128',
  ],
  // Types.
  ['a number for a text', '[node]\nname = 5', '2:8', 'node.name', 'must be a text, not the number 5'],
  ['a date for a text', '[node]\nname = 1979-05-27', '2:8', 'node.name', 'must be a text, not a date'],
  [
    'a text for true',
    '[lan]\ninterface = "e"\ndhcp = "yes"',
    '3:8',
    'lan.dhcp',
    'must be true or false, not the text "yes"',
  ],
  ['a text for a number', '[tunnel]\nroutes = "2"', '2:10', 'tunnel.routes', 'must be a number, not the text "2"'],
  ['a text for a list', '[listen]\nudp = "0.0.0.0:1"', '2:7', 'listen.udp', 'must be a list'],
  ['a value for a table', 'node = "x"', '1:8', 'node', 'Write it as a table: [node]'],
  ['two brackets for one', '[[lan]]\ninterface = "e"', '1:1', 'lan', 'Write [lan] once, in single brackets'],
  ['one bracket for two', `[peer]\nkey = "${KEY_A}"`, '1:1', 'peer', 'Begin each peer with [[peer]]'],
  ['a list of numbers as peers', 'peer = [1]', '1:9', 'peer[0]', 'must be a table, not the number 1'],
  // [node]
  ['a name with blanks', '[node]\nname = "my box"', '2:8', 'node.name', 'must be 1 to 64 letters'],
  ['a relative path', '[node]\nkey_file = "node.key"', '2:12', 'node.key_file', 'must be an absolute path'],
  ['a zero byte in a path', '[node]\nstate_dir = "/a\\u0000b"', '2:13', 'node.state_dir', 'zero byte'],
  // [listen]
  ['no socket at all', '[listen]\nudp = []', '2:7', 'listen.udp', `from 1 to ${MAX_LISTEN} entries, not 0`],
  [
    'a host name to listen on',
    '[listen]\nudp = ["box:6969"]',
    '2:8',
    'listen.udp[0]',
    'must be an IP address with a port',
  ],
  ['port zero', '[listen]\nudp = ["0.0.0.0:0"]', '2:8', 'listen.udp[0]', 'must be an IP address with a port'],
  ['a socket twice', '[listen]\nudp = ["0.0.0.0:1", "0.0.0.0:1"]', '2:21', 'listen.udp[1]', 'is listed twice'],
  // [[peer]]
  ['a peer without key', '[[peer]]\nendpoint = "192.0.2.7:6969"', '1:1', 'peer[0].key', 'is missing'],
  ['a key that is too short', '[[peer]]\nkey = "02ab"', '2:7', 'peer[0].key', '66 hex digits'],
  ['an uncompressed key', `[[peer]]\nkey = "04${'a'.repeat(64)}"`, '2:7', 'peer[0].key', 'begin with 02 or 03'],
  [
    'a name as endpoint',
    `[[peer]]\nkey = "${KEY_A}"\nendpoint = "example.net:6969"`,
    '3:12',
    'peer[0].endpoint',
    'names are not looked up',
  ],
  [
    'an endpoint without port',
    `[[peer]]\nkey = "${KEY_A}"\nendpoint = "192.0.2.7"`,
    '3:12',
    'peer[0].endpoint',
    'with a port',
  ],
  [
    'IPv6 without brackets',
    `[[peer]]\nkey = "${KEY_A}"\nendpoint = "2001:db8::7:6969"`,
    '3:12',
    'peer[0].endpoint',
    '"[2001:db8::7]:6969"',
  ],
  [
    'any address as endpoint',
    `[[peer]]\nkey = "${KEY_A}"\nendpoint = "0.0.0.0:6969"`,
    '3:12',
    'peer[0].endpoint',
    'not an address that a peer can have',
  ],
  [
    'multicast as endpoint',
    `[[peer]]\nkey = "${KEY_A}"\nendpoint = "[ff02::1]:6969"`,
    '3:12',
    'peer[0].endpoint',
    'not an address that a peer can have',
  ],
  [
    'the same peer twice',
    `[[peer]]\nkey = "${KEY_A}"\n[[peer]]\nkey = "${KEY_A.toUpperCase()}"`,
    '4:7',
    'peer[1].key',
    'another peer above',
  ],
  [
    'one endpoint for two peers',
    `[[peer]]\nkey = "${KEY_A}"\nendpoint = "192.0.2.7:1"\n[[peer]]\nkey = "${KEY_B}"\nendpoint = "192.0.2.7:1"`,
    '6:12',
    'peer[1].endpoint',
    'another peer above',
  ],
  [
    'a peer that no socket reaches',
    `[listen]\nudp = ["0.0.0.0:1"]\n[[peer]]\nkey = "${KEY_A}"\nendpoint = "[2001:db8::7]:1"`,
    '5:12',
    'peer[0].endpoint',
    'Add "[::]:6969" to listen.udp',
  ],
  // [lan]
  ['a LAN without interface', '[lan]\ndhcp = true', '1:1', 'lan.interface', 'is missing'],
  [
    'an interface name that is too long',
    '[lan]\ninterface = "a234567890123456"',
    '2:13',
    'lan.interface',
    'no name that a network interface can have',
  ],
  [
    'a path as interface',
    '[lan]\ninterface = "../x"',
    '2:13',
    'lan.interface',
    'no name that a network interface can have',
  ],
  [
    'no prefix length',
    '[lan]\ninterface = "e"\naddress = "192.168.42.1"',
    '3:11',
    'lan.address',
    'with a prefix length',
  ],
  [
    'a number above 255',
    '[lan]\ninterface = "e"\naddress = "192.168.256.1/24"',
    '3:11',
    'lan.address',
    'with a prefix length',
  ],
  [
    'the network as address',
    '[lan]\ninterface = "e"\naddress = "192.168.42.0/24"',
    '3:11',
    'lan.address',
    'address of the network itself',
  ],
  [
    'the broadcast address',
    '[lan]\ninterface = "e"\naddress = "192.168.42.255/24"',
    '3:11',
    'lan.address',
    'broadcast',
  ],
  ['a LAN of two hosts', '[lan]\ninterface = "e"\naddress = "192.168.42.1/31"', '3:11', 'lan.address', 'from 8 to 30'],
  ['a LAN of everything', '[lan]\ninterface = "e"\naddress = "11.0.0.1/7"', '3:11', 'lan.address', 'from 8 to 30'],
  [
    'loopback as LAN',
    '[lan]\ninterface = "e"\naddress = "127.0.0.1/8"',
    '3:11',
    'lan.address',
    'not an address that a host can have',
  ],
  // [tunnel]
  [
    'a gateway that is no name',
    '[tunnel]\ngateway = "home"',
    '2:11',
    'tunnel.gateway',
    'must be "none", "auto", an address or a public key',
  ],
  [
    'a letter that base58 has not',
    '[tunnel]\ngateway = "AtWiDQWLjEB4adL9GF9MNg3sdM9LrNf6Y0"',
    '2:11',
    'tunnel.gateway',
    'must be "none"',
  ],
  ['no routes', '[tunnel]\nroutes = 0', '2:10', 'tunnel.routes', 'from 1 to 8'],
  ['nine routes', '[tunnel]\nroutes = 9', '2:10', 'tunnel.routes', 'from 1 to 8'],
  ['half a route', '[tunnel]\nroutes = 1.5', '2:10', 'tunnel.routes', 'whole number'],
  ['a small MTU', '[tunnel]\nmtu = 575', '2:7', 'tunnel.mtu', 'from 576 to 9000'],
  ['a large MTU', '[tunnel]\nmtu = 9001', '2:7', 'tunnel.mtu', 'from 576 to 9000'],
  // Neighbours that nobody configured.
  [
    'an acceptance that does not exist',
    '[discovery]\naccept = "all"',
    '2:10',
    'discovery.accept',
    'must be "known", "segment" or "any"',
  ],
  [
    'discovery on no interface',
    '[discovery]\ninterfaces = ["a b"]',
    '2:15',
    'discovery.interfaces[0]',
    'is no name that a network interface can have',
  ],
  [
    'discovery twice on an interface',
    '[discovery]\ninterfaces = ["eth0", "eth0"]',
    '2:23',
    'discovery.interfaces[1]',
    '"eth0" is listed twice',
  ],
  [
    'discovery on the LAN',
    '[discovery]\ninterfaces = ["eth0"]\n[lan]\ninterface = "eth0"',
    '2:15',
    'discovery.interfaces[0]',
    'is the same interface as lan.interface',
  ],
  // Memory, rates and how data is delivered.
  ['memory without a unit', '[buffers]\nmemory = "64"', '2:10', 'buffers.memory', 'must be an amount of memory'],
  ['memory as a number', '[buffers]\nmemory = 64', '2:10', 'buffers.memory', 'must be a text, not the number 64'],
  ['memory in bits', '[buffers]\nmemory = "64Mbit"', '2:10', 'buffers.memory', 'like memory = "64MB"'],
  ['too little memory', '[buffers]\nmemory = "999kB"', '2:10', 'buffers.memory', 'must be from 1MB to 64GB'],
  ['too much memory', '[buffers]\nmemory = "65GB"', '2:10', 'buffers.memory', 'must be from 1MB to 64GB'],
  [
    'a delivery that does not exist',
    `[[peer]]\nkey = "${KEY_A}"\ndelivery = "fast"`,
    '3:12',
    'peer[0].delivery',
    'must be "reliable", "unreliable" or a deadline',
  ],
  ['a deadline without end', '[tunnel]\ndelivery = "66s"', '2:12', 'tunnel.delivery', 'from "1ms" to "65534ms"'],
  ['a deadline of nothing', '[tunnel]\ndelivery = "0ms"', '2:12', 'tunnel.delivery', 'Write "reliable"'],
  [
    'a direction that does not exist',
    `[[peer]]\nkey = "${KEY_A}"\ndirection = "up"`,
    '3:13',
    'peer[0].direction',
    'must be "both", "send-only" or "receive-only"',
  ],
  [
    'a peer to send to that is nowhere',
    `[[peer]]\nkey = "${KEY_A}"\ndirection = "send-only"\n[[peer]]\nkey = "${KEY_B}"`,
    '3:13',
    'peer[0].direction',
    'Add the endpoint',
  ],
  [
    'no way back for what is only sent',
    `[[peer]]\nkey = "${KEY_A}"\ndirection = "send-only"\nendpoint = "192.0.2.7:1"`,
    '3:13',
    'peer[0].direction',
    'could come to this node. Add a [[peer]] whose direction is "both" or "receive-only"',
  ],
  [
    'no way out for a node that only hears',
    `[[peer]]\nkey = "${KEY_A}"\ndirection = "receive-only"`,
    '3:13',
    'peer[0].direction',
    'could leave this node. Add a [[peer]] whose direction is "both" or "send-only"',
  ],
  ['a rule that does not exist', '[qos]\nreal_time = ["voip"]', '2:14', 'qos.real_time[0]', 'must be "dscp", "icmp"'],
  ['a rule twice', '[qos]\nreal_time = ["dns", "dns"]', '2:21', 'qos.real_time[1]', '"dns" is listed twice'],
  ['a rule that is no list', '[qos]\nreal_time = "dns"', '2:13', 'qos.real_time', 'must be a list'],
  ['a cap without a unit', '[transit]\ncap = "20"', '2:7', 'transit.cap', 'must be a share of the line, or a rate'],
  ['a cap in bytes', '[transit]\ncap = "20MB"', '2:7', 'transit.cap', 'like cap = "80%" or cap = "20Mbit"'],
  ['a cap of more than all', '[transit]\ncap = "101%"', '2:7', 'transit.cap', 'must be a share of the line'],
  ['a cap of nothing', '[transit]\ncap = "0%"', '2:7', 'transit.cap', 'must be from 1% to 100%'],
  ['a cap below any call', '[transit]\ncap = "63kbit"', '2:7', 'transit.cap', 'must be from 64kbit to 100Gbit'],
  ['a price too high', '[transit]\nprice = 65536', '2:9', 'transit.price', 'Write satoshi for a gigabyte'],
  ['a word for a flag', '[transit]\nown_first = "yes"', '2:13', 'transit.own_first', 'must be true or false'],
  ['no number', '[tunnel]\nmtu = nan', '2:7', 'tunnel.mtu', 'must be a number'],
  ['an endless number', '[tunnel]\nmtu = inf', '2:7', 'tunnel.mtu', 'whole number'],
  [
    'the LAN as tunnel',
    '[lan]\ninterface = "eth0"\n[tunnel]\ninterface = "eth0"',
    '4:13',
    'tunnel.interface',
    'same interface as lan.interface',
  ],
  // [gateway]
  [
    'a gateway without pool',
    '[gateway]\nenable = true\nuplink = "e"\ndns = "1.1.1.1"',
    '1:1',
    'gateway.pool',
    'is missing',
  ],
  [
    'a gateway without uplink',
    '[gateway]\nenable = true\npool = "10.0.0.0/8"\ndns = "1.1.1.1"',
    '1:1',
    'gateway.uplink',
    'is missing',
  ],
  [
    'a gateway without resolver',
    '[gateway]\nenable = true\npool = "10.0.0.0/8"\nuplink = "e"',
    '1:1',
    'gateway.dns',
    'is missing',
  ],
  [
    'a pool with host bits',
    '[gateway]\npool = "10.64.0.1/16"',
    '2:8',
    'gateway.pool',
    'bits set behind its prefix length',
  ],
  ['a pool of one', '[gateway]\npool = "10.64.0.0/32"', '2:8', 'gateway.pool', 'from 8 to 30'],
  ['a multicast pool', '[gateway]\npool = "224.0.0.0/8"', '2:8', 'gateway.pool', 'not a network that hosts can be in'],
  [
    'a pool inside the LAN',
    '[lan]\ninterface = "e"\naddress = "10.0.0.1/8"\n[gateway]\npool = "10.64.0.0/16"',
    '5:8',
    'gateway.pool',
    'lies inside the network of lan.address',
  ],
  [
    'a pool around the LAN',
    '[lan]\ninterface = "e"\naddress = "10.64.0.1/24"\n[gateway]\npool = "10.64.0.0/16"',
    '5:8',
    'gateway.pool',
    'overlaps the network of lan.address',
  ],
  ['a name as resolver', '[gateway]\ndns = "dns.example"', '2:7', 'gateway.dns', 'must be an IPv4 address'],
  [
    'the LAN as uplink',
    '[lan]\ninterface = "eth0"\n[gateway]\nuplink = "eth0"',
    '4:10',
    'gateway.uplink',
    'same interface as lan.interface',
  ],
  [
    'allowed host bits',
    '[gateway]\nallow = ["10.0.0.0/8", "10.0.0.1/8"]',
    '2:24',
    'gateway.allow[1]',
    'bits set behind',
  ],
  ['an allowed number', '[gateway]\nallow = [5]', '2:10', 'gateway.allow[0]', 'must be a text, not the number 5'],
  ['a country in words', '[gateway]\ncountry = "Germany"', '2:11', 'gateway.country', 'is no country code'],
  ['a price beyond what a record can say', '[gateway]\nprice = 65536', '2:9', 'gateway.price', 'from 0 to 65535'],
  ['a line without a unit', '[gateway]\nrate = "100"', '2:8', 'gateway.rate', 'must be a rate'],
  ['a limit of nothing', '[gateway]\nrate_limit = 0', '2:14', 'gateway.rate_limit', 'from 1 to 100000'],
  // [control]
  [
    'a socket path that is too long',
    `[control]\nsocket = "/${'a'.repeat(107)}"`,
    '2:10',
    'control.socket',
    'no longer than 107 bytes',
  ],
];

describe('a configuration with one fault', () => {
  test.each(FAULTS)('%s', (_name, text, at, key, words) => {
    const { problems } = parseConfig(text, 'f.toml');
    expect(problems).toHaveLength(1);
    const [problem] = problems!;
    expect(`${problem.line}:${problem.column}`).toBe(at);
    expect(problem.key).toBe(key);
    expect(formatProblem(problem)).toContain(words);
    expect(problem.remedy).not.toBe('');
  });
});

test('everything that is wrong is said at once, in the order of the file', () => {
  const text = `[node]
nmae = "x"
[lan]
address = "192.168.42.0/24"
[gateway]
enable = true
pool = "192.168.0.0/16"
uplink = "sky0"
`;
  expect(parseConfig(text, '/etc/s.toml').problems?.map(formatProblem)).toEqual([
    '/etc/s.toml:2:1: node.nmae is not a key that exists. Did you mean name?',
    '/etc/s.toml:3:1: lan.interface is missing. Write the interface\'s name as `ip link` shows it, like "eth0"',
    '/etc/s.toml:4:11: lan.address is the address of the network itself, not of a host in it. Write the address of this box in its LAN, like "192.168.42.1/24"',
    '/etc/s.toml:5:1: gateway.dns is missing, and gateway.enable = true needs it. Add the resolver that clients shall use, like dns = "192.0.2.53"',
    '/etc/s.toml:7:8: gateway.pool overlaps the network of lan.address. Choose another private network for one of them, like "10.64.0.0/16" for the pool',
    '/etc/s.toml:8:10: gateway.uplink is the same interface as tunnel.interface. Name another interface for one of them',
  ]);
});

test('a problem found later, by a checksum say, is placed like the others', () => {
  const result = parseConfig(FULL, 'f.toml');
  expect(result.problemAt?.(['peer', 1, 'key'], 'is odd', 'Mend it')).toEqual({
    file: 'f.toml',
    line: 23,
    column: 7,
    key: 'peer[1].key',
    message: 'is odd',
    remedy: 'Mend it',
  });
});
