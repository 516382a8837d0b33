/** What one key alone can't show to be wrong: keys that contradict each other. */
import { type ConfigDraft, type Contradiction, itemsOf } from './config-draft.ts';
import {
  broadcastAddress,
  type Endpoint,
  formatEndpoint,
  type Ipv4Prefix,
  networkAddress,
  overlap,
  parseEndpoint,
  parseIpv4Prefix,
} from './ip-text.ts';
import { checkPolicy } from './policy-checks.ts';
import type { TomlPath } from './toml-source.ts';

export function findContradictions(draft: ConfigDraft): Contradiction[] {
  return [
    ...checkListen(draft),
    ...checkPeers(draft),
    ...checkDirections(draft),
    ...checkRealTime(draft),
    ...checkPolicy(draft),
    ...checkDiscovery(draft),
    ...checkGatewayNeeds(draft),
    ...checkHotspot(draft),
    ...checkNetworks(draft),
    ...checkInterfaces(draft),
  ];
}

function checkListen(draft: ConfigDraft): Contradiction[] {
  const found: Contradiction[] = [];
  const seen = new Set<string>();
  for (const [index, item] of itemsOf(draft.listen?.udp).entries()) {
    const endpoint = endpointOf(item);
    if (endpoint === undefined) continue;
    const name = formatEndpoint(endpoint);
    if (seen.has(name)) {
      found.push({
        path: ['listen', 'udp', index],
        message: `${name} is listed twice`,
        remedy: 'Delete one of the two',
      });
    }
    seen.add(name);
  }
  return found;
}

/** Of a peer; `taken` are those of the peers before it, and get this one. */
function checkEndpoint(
  endpoint: Endpoint | undefined,
  path: Contradiction['path'],
  taken: Set<string>,
  sockets: readonly (Endpoint | undefined)[],
): Contradiction[] {
  if (endpoint === undefined) return [];
  const found: Contradiction[] = [];
  if (taken.has(formatEndpoint(endpoint))) {
    found.push({
      path,
      message: 'is the endpoint of another peer above',
      remedy: 'Two nodes cannot share one address and port; correct one of them',
    });
  }
  taken.add(formatEndpoint(endpoint));
  if (!sockets.some((socket) => socket === undefined || socket.family === endpoint.family)) {
    found.push({
      path,
      message: `is an IPv${endpoint.family} address, but listen.udp has no IPv${endpoint.family} socket`,
      remedy: `Add ${endpoint.family === 4 ? '"0.0.0.0:6969"' : '"[::]:6969"'} to listen.udp`,
    });
  }
  return found;
}

function checkPeers(draft: ConfigDraft): Contradiction[] {
  const found: Contradiction[] = [];
  const keys = new Set<string>();
  const endpoints = new Set<string>();
  const sockets = itemsOf(draft.listen?.udp).map(endpointOf);
  for (const [index, peer] of itemsOf(draft.peer).entries()) {
    const { key, endpoint, also_at: alsoAt } = (peer ?? {}) as { key?: unknown; endpoint?: unknown; also_at?: unknown };
    if (typeof key === 'string') {
      if (keys.has(key.toLowerCase())) {
        found.push({
          path: ['peer', index, 'key'],
          message: 'is the key of another peer above',
          remedy: 'Delete one of the two; a peer has one entry',
        });
      }
      keys.add(key.toLowerCase());
    }
    if (endpoint === undefined && alsoAt !== undefined) {
      found.push({
        path: ['peer', index, 'also_at'],
        message: 'says where the peer is besides its endpoint, but it has none',
        remedy: 'Write the first address as endpoint',
      });
    }
    const places = itemsOf(alsoAt).map((text, i) => ({ text, path: ['peer', index, 'also_at', i] }));
    for (const { text, path } of [{ text: endpoint, path: ['peer', index, 'endpoint'] }, ...places]) {
      found.push(...checkEndpoint(endpointOf(text), path, endpoints, sockets));
    }
  }
  return found;
}

/** A one-way link needs a place to send to, and a neighbour by whom the other way goes. */
function checkDirections(draft: ConfigDraft): Contradiction[] {
  const found: Contradiction[] = [];
  const peers = itemsOf(draft.peer).map((peer) => (peer ?? {}) as { direction?: unknown; endpoint?: unknown });
  for (const [index, { direction, endpoint }] of peers.entries()) {
    if (direction !== 'send-only' && direction !== 'receive-only') continue;
    if (direction === 'send-only' && endpoint === undefined) {
      found.push({
        path: ['peer', index, 'direction'],
        message: 'is "send-only", but the peer has no endpoint, and nothing that it sends can tell us one',
        remedy: 'Add the endpoint that the peer listens on',
      });
    }
    const isWayBack = peers.some((other) => other.direction !== direction && other !== peers[index]);
    if (!isWayBack) {
      const [word, example] = direction === 'send-only' ? ['come to', 'receive-only'] : ['leave', 'send-only'];
      found.push({
        path: ['peer', index, 'direction'],
        message: `is "${direction}", but no other peer is here by whom anything could ${word} this node`,
        remedy: `Add a [[peer]] whose direction is "both" or "${example}": the answers travel over it`,
      });
    }
  }
  return found;
}

function checkRealTime(draft: ConfigDraft): Contradiction[] {
  const rules = itemsOf(draft.qos?.real_time);
  return rules.flatMap((rule, index) =>
    rules.indexOf(rule) === index
      ? []
      : [
          {
            path: ['qos', 'real_time', index],
            message: `${JSON.stringify(rule)} is listed twice`,
            remedy: 'Delete one of the two',
          },
        ],
  );
}

/** What comes from the LAN goes into the tunnel or nowhere: no neighbour can be there. */
function checkDiscovery(draft: ConfigDraft): Contradiction[] {
  const names = itemsOf(draft.discovery?.interfaces);
  const lan = draft.lan?.interface;
  return names.flatMap((name, index) => {
    const path = ['discovery', 'interfaces', index];
    if (names.indexOf(name) !== index) {
      return [{ path, message: `${JSON.stringify(name)} is listed twice`, remedy: 'Delete one of the two' }];
    }
    if (typeof name !== 'string' || name !== lan) return [];
    const remedy = 'Delete it: the kill switch lets no neighbour in from there';
    return [{ path, message: 'is the same interface as lan.interface', remedy }];
  });
}

const GATEWAY_NEEDS = [
  ['pool', 'Add a network for the clients, like pool = "10.64.0.0/16"'],
  ['uplink', 'Add the interface that leads to the internet, like uplink = "eth0"'],
  ['dns', 'Add the resolver that clients shall use, like dns = "192.0.2.53"'],
] as const;

function checkGatewayNeeds(draft: ConfigDraft): Contradiction[] {
  if (draft.gateway?.enable !== true) return [];
  const gateway = draft.gateway;
  return GATEWAY_NEEDS.filter(([key]) => gateway[key] === undefined).map(([key, remedy]) => ({
    path: ['gateway', key],
    message: 'is missing, and gateway.enable = true needs it',
    remedy,
  }));
}

/** A hotspot needs a radio, and a tunnel to go through, which a node has for its LAN. */
function checkHotspot(draft: ConfigDraft): Contradiction[] {
  if (draft.hotspot === undefined) return [];
  const found: Contradiction[] = [];
  if (draft.wifi === undefined) {
    const remedy = 'Add a table [wifi] with the country where the box stands, like country = "DE"';
    found.push({ path: ['hotspot'], message: 'needs a radio, and there is no [wifi]', remedy });
  }
  if (draft.lan === undefined) {
    const remedy = 'Add a table [lan]; its interface need not have a cable in it';
    found.push({ path: ['hotspot'], message: 'goes through the tunnel of the LAN, and there is no [lan]', remedy });
  }
  return found;
}

function checkNetworks(draft: ConfigDraft): Contradiction[] {
  const lan = { key: 'lan.address', prefix: prefixOf(draft.lan?.address) };
  const hotspot = { key: 'hotspot.address', prefix: prefixOf(draft.hotspot?.address) };
  return [
    ...checkApart(lan, hotspot, ['hotspot', 'address'], '"192.168.43.1/24" for the hotspot'),
    ...[lan, hotspot].flatMap((other) =>
      checkApart(other, { prefix: prefixOf(draft.gateway?.pool) }, ['gateway', 'pool'], '"10.64.0.0/16" for the pool'),
    ),
  ];
}

interface Network {
  readonly prefix: Ipv4Prefix | undefined;
}

function checkApart(a: Network & { key: string }, b: Network, path: TomlPath, example: string): Contradiction[] {
  if (a.prefix === undefined || b.prefix === undefined || !overlap(a.prefix, b.prefix)) return [];
  const inside =
    networkAddress(b.prefix) >= networkAddress(a.prefix) && broadcastAddress(b.prefix) <= broadcastAddress(a.prefix);
  return [
    {
      path,
      message: inside ? `lies inside the network of ${a.key}` : `overlaps the network of ${a.key}`,
      remedy: `Choose another private network for one of them, like ${example}`,
    },
  ];
}

/** An interface has one task: the firewall tells them apart by name. */
function checkInterfaces(draft: ConfigDraft): Contradiction[] {
  const uses: readonly [TomlPath, unknown][] = [
    [['lan', 'interface'], draft.lan?.interface],
    [['tunnel', 'interface'], draft.tunnel?.interface],
    [['gateway', 'interface'], draft.gateway?.interface],
    [['gateway', 'uplink'], draft.gateway?.uplink],
  ];
  const found: Contradiction[] = [];
  const taken = new Map<string, string>();
  for (const [path, name] of uses) {
    if (typeof name !== 'string') continue;
    const other = taken.get(name);
    if (other === undefined) taken.set(name, path.join('.'));
    else {
      found.push({
        path,
        message: `is the same interface as ${other}`,
        remedy: 'Name another interface for one of them',
      });
    }
  }
  return found;
}

function endpointOf(text: unknown) {
  return typeof text === 'string' ? parseEndpoint(text) : undefined;
}

function prefixOf(text: unknown) {
  return typeof text === 'string' ? parseIpv4Prefix(text) : undefined;
}
