/**
 * A laptop that wants out by every way it knows: TCP, ping and DNS to the internet, over IPv4 and IPv6, and past the box's
 * own resolver too. None of it needs to succeed; the leak watch looks where it goes.
 */
import { type DemoNetwork, DNS_ADDRESS, LAN_ADDRESS, WEB_ADDRESS, WEB_ADDRESS_V6, WEB_NAME } from './demo-topology.ts';

const LAPTOP_V6 = 'fd42:6c61:6e::2/64';
const ROUTER_V6 = 'fe80::1';

/** The box's own resolver may well answer from its cache when nothing else does. */
const ASK_THE_BOX = ['dig', '+tries=2', '+time=1', `@${LAN_ADDRESS}`, WEB_NAME] as const;
const ATTEMPTS_OUTSIDE: readonly (readonly [string, ...string[]])[] = [
  ['curl', '-s', '--max-time', '2', `http://${WEB_ADDRESS}/`],
  ['curl', '-s', '--max-time', '2', `http://[${WEB_ADDRESS_V6}]/`],
  ['ping', '-n', '-c', '5', '-i', '0.2', '-W', '1', WEB_ADDRESS],
  ['ping', '-n', '-c', '5', '-i', '0.2', '-W', '1', WEB_ADDRESS_V6],
  ['dig', '+tries=2', '+time=1', `@${DNS_ADDRESS}`, WEB_NAME],
  ['dig', '+tries=2', '+time=1', `@${WEB_ADDRESS_V6}`, WEB_NAME],
];

/**
 * Gives the laptop an IPv6 address and the miner as its IPv6 router, as if left over from another network. The router is
 * entered by its hardware address: that works whether or not the miner speaks IPv6.
 */
export function giveLaptopIpv6({ laptop, minerHost }: DemoNetwork): void {
  const [{ address: hardware }] = JSON.parse(minerHost.run('ip', '-j', 'link', 'show', 'dev', 'lan0'));
  laptop.addAddress('eth0', LAPTOP_V6);
  laptop.run('ip', '-6', 'neigh', 'replace', ROUTER_V6, 'lladdr', hardware, 'dev', 'eth0', 'nud', 'permanent');
  laptop.run('ip', '-6', 'route', 'replace', 'default', 'via', ROUTER_V6, 'dev', 'eth0');
}

/** Resolves when every attempt has ended, about two seconds when nothing answers; returns how many got out. */
export async function makeNoise({ laptop }: DemoNetwork): Promise<number> {
  const start = ([command, ...args]: readonly [string, ...string[]]) => laptop.start('noise', command, args).exited;
  const asked = start(ASK_THE_BOX);
  const codes = await Promise.all(ATTEMPTS_OUTSIDE.map(start));
  await asked;
  return codes.filter((code) => code === 0).length;
}
