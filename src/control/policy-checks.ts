/** What is wrong with the rules of `[[policy]]` together with the rest of the file: conditions that can't be met, and ways out of the tunnel that say too little. */
import { type ConfigDraft, type Contradiction, itemsOf } from './config-draft.ts';
import { MAX_RULE_GATEWAYS } from './config-schema.ts';
import { broadcastAddress, type Ipv4Prefix, networkAddress, overlap, parseIpv4Place } from './ip-text.ts';
import { parsePorts } from './port-text.ts';

/** A rule in the draft. */
interface Rule {
  readonly use?: unknown;
  readonly to?: unknown;
  readonly from?: unknown;
  readonly protocol?: unknown;
  readonly ports?: unknown;
  readonly dscp?: unknown;
  readonly gateway?: unknown;
  readonly uplink?: unknown;
}

/** The largest network that may be reached outside of the tunnel: an exception, and not the internet. */
const SHORTEST_DIRECT_PREFIX = 8;
/** The devices of gateways that rules name are called like the tunnel's, with a dash and a digit behind. */
const MAX_TUNNEL_NAME = 13;

export function checkPolicy(draft: ConfigDraft): Contradiction[] {
  const rules = itemsOf(draft.policy).map((rule) => (rule ?? {}) as Rule);
  const found = rules.flatMap((rule, index) => [
    ...checkOverlaps(rule, index),
    ...checkConditions(rule, index, draft),
    ...(rule.use === 'direct' ? checkDirect(rule, index, rules, draft) : checkInTunnel(rule, index)),
    ...(rule.use === 'gateway' ? checkGateway(rule, index, rules, draft) : checkNoGateway(rule, index)),
  ]);
  if (rules.length === 0 || draft.lan !== undefined) return found;
  return [problem(0, 'use', 'is for packets of a LAN, and this node has none', 'Add a [lan] table'), ...found];
}

function checkConditions(rule: Rule, index: number, draft: ConfigDraft): Contradiction[] {
  const found: Contradiction[] = [];
  if (rule.ports !== undefined && rule.protocol === 'icmp') {
    found.push(problem(index, 'ports', 'is for "tcp" and "udp": ICMP has none', 'Delete one of the two'));
  }
  const lan = placeOf(draft.lan?.address);
  if (lan === undefined) return found;
  for (const place of itemsOf(rule.from).map(placeOf)) {
    if (place === undefined || isWithin(place, lan)) continue;
    found.push(problem(index, 'from', 'lies outside of the network of lan.address', 'Name clients of the LAN'));
  }
  return found;
}

/** The kernel takes no list in which the same thing stands twice. */
function checkOverlaps(rule: Rule, index: number): Contradiction[] {
  const places = [rule.to, rule.from].map((list) => itemsOf(list).map(placeOf));
  const ports = itemsOf(rule.ports).map((item) => (typeof item === 'string' ? parsePorts(item) : undefined));
  const dscp = itemsOf(rule.dscp);
  const remedy = 'Delete one of the two, or make one of both';
  const twice: [string, boolean][] = [
    ['to', hasPair(places[0], overlap)],
    ['from', hasPair(places[1], overlap)],
    ['ports', hasPair(ports, (a, b) => a.first <= b.last && b.first <= a.last)],
    ['dscp', new Set(dscp).size < dscp.length],
  ];
  return twice.filter(([, is]) => is).map(([key]) => problem(index, key, 'names something twice', remedy));
}

function checkInTunnel(rule: Rule, index: number): Contradiction[] {
  if (rule.uplink === undefined) return [];
  return [problem(index, 'uplink', 'is for rules that say "direct"', 'Delete it: this traffic stays in the tunnel')];
}

function checkNoGateway(rule: Rule, index: number): Contradiction[] {
  if (rule.gateway === undefined) return [];
  return [problem(index, 'gateway', 'is for rules that say "gateway"', 'Write use = "gateway", or delete it')];
}

function checkGateway(rule: Rule, index: number, rules: readonly Rule[], draft: ConfigDraft): Contradiction[] {
  const found: Contradiction[] = [];
  if (rule.gateway === undefined) {
    const remedy = 'Add the address or key of the gateway, as `skywire gateway` shows it';
    found.push(problem(index, 'gateway', 'is missing, and use = "gateway" needs it', remedy));
  }
  if (rule.dscp !== undefined) found.push(midwayProblem(index, 'change its gateway'));
  const before = new Set(rules.slice(0, index).map(({ gateway }) => gateway));
  before.delete(undefined);
  if (before.size === MAX_RULE_GATEWAYS && !before.has(rule.gateway)) {
    const message = `is one more than the ${MAX_RULE_GATEWAYS} gateways that rules can name`;
    found.push(problem(index, 'gateway', message, 'Let several rules share one'));
  }
  const device = draft.tunnel?.interface;
  const isFirst = rules.findIndex(({ use }) => use === 'gateway') === index;
  if (isFirst && typeof device === 'string' && device.length > MAX_TUNNEL_NAME) {
    const message = `has more than ${MAX_TUNNEL_NAME} characters, and rules with a gateway add two`;
    found.push({ path: ['tunnel', 'interface'], message, remedy: 'Write a shorter one, like "sky0"' });
  }
  return found;
}

function midwayProblem(index: number, what: string): Contradiction {
  const message = `changes within a connection, and a connection can't ${what} half-way`;
  return problem(index, 'dscp', message, 'Delete it; name ports or addresses');
}

/** What leaves the tunnel is named: by place, and with the interface that it leaves by. */
function checkDirect(rule: Rule, index: number, rules: readonly Rule[], draft: ConfigDraft): Contradiction[] {
  const found: Contradiction[] = [];
  if (rule.to === undefined) {
    found.push(
      problem(index, 'to', 'is missing, and a direct rule needs it', 'Name who is reached outside of the tunnel'),
    );
  }
  if (itemsOf(rule.to).some((item) => (placeOf(item)?.prefixLength ?? 32) < SHORTEST_DIRECT_PREFIX)) {
    const message = `is more than a /${SHORTEST_DIRECT_PREFIX}, too much for an exception`;
    found.push(problem(index, 'to', message, 'Name smaller networks'));
  }
  if (rule.dscp !== undefined) found.push(midwayProblem(index, 'leave the tunnel'));
  if (rule.uplink === undefined) {
    const remedy = 'Add the interface that these packets may leave by, like uplink = "eth1"';
    found.push(problem(index, 'uplink', 'is missing, and a direct rule needs it', remedy));
    return found;
  }
  const first = rules.find(({ use, uplink }) => use === 'direct' && uplink !== undefined);
  if (first?.uplink !== rule.uplink) {
    found.push(problem(index, 'uplink', 'is another one than that of a direct rule above', 'Name one for all of them'));
  }
  if ([draft.lan?.interface, draft.tunnel?.interface, draft.gateway?.interface].includes(rule.uplink)) {
    found.push(problem(index, 'uplink', 'has another task already', 'Name the interface that leads to the internet'));
  }
  return found;
}

function problem(index: number, key: string, message: string, remedy: string): Contradiction {
  return { path: ['policy', index, key], message, remedy };
}

function hasPair<T>(items: readonly (T | undefined)[], touch: (a: T, b: T) => boolean): boolean {
  return items.some((a, i) => items.slice(0, i).some((b) => a !== undefined && b !== undefined && touch(a, b)));
}

function placeOf(text: unknown): Ipv4Prefix | undefined {
  return typeof text === 'string' ? parseIpv4Place(text) : undefined;
}

function isWithin(inner: Ipv4Prefix, outer: Ipv4Prefix): boolean {
  return networkAddress(inner) >= networkAddress(outer) && broadcastAddress(inner) <= broadcastAddress(outer);
}
