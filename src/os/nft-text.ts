/** Pieces of rules for `nft`. Whatever refuses something counts it, with a comment that says what. */
import { assert } from '../base/assert.ts';
import { formatIpv4, networkAddress } from '../control/ip-text.ts';
import type { Ipv4Prefix } from '../wire/ip.ts';

/** A whole table in place of the one of that name. Declaring it first makes the delete valid whether it was there or not. */
export function replaceTable(family: 'inet' | 'netdev', name: string, body: string): string {
  const table = `table ${family} ${name}`;
  return `${table}\ndelete ${table}\n${table} {${body}\n}\n`;
}

/** The sender hears at once that it may not. */
export function refuse(what: string): string {
  return `counter reject with icmpx admin-prohibited comment "${what}"`;
}

export function reset(what: string): string {
  return `counter reject with tcp reset comment "${what}"`;
}

export function drop(what: string): string {
  return `counter drop comment "${what}"`;
}

export function networkText(prefix: Ipv4Prefix): string {
  return `${formatIpv4(networkAddress(prefix))}/${prefix.prefixLength}`;
}

/** The configuration refuses other names; here a quote in one would be a rule. */
export function quoted(name: string): string {
  assert(/^[\w.:@-]{1,15}$/.test(name), 'an interface name');
  return `"${name}"`;
}
