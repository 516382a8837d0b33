/**
 * The Raspberry Pi image, started with no hands on it: the card is written, skywire.toml and a public key are laid on its boot
 * partition as a person would, and the power is switched on. A laptop behind it reaches the internet through a gateway outside. Then
 * the same once more, after a restart with a file on the boot partition that makes the box as new, and with the country in skywire.toml: two
 * radios that the kernel simulates are silent before that, and work afterwards. A last start without our services says how long the system alone takes.
 *
 *   laptop ──eth0── lan (eth1) board (eth0) up ──net0── gateway ──eth0── internet (198.51.100.80)
 *      192.168.42.0/24          10.50.1.0/24, by DHCP        203.0.113.0/24
 *
 * `lab image FILE` takes an image that is there, .img or .img.xz, and builds none.
 */
import type { RunContext, RunResult } from '../../scripts/run-contract.ts';
import { BoardSite } from './harness/board-site.ts';
import { buildImage } from './harness/card-image.ts';
import { fetchPage, pingTimes, RunningDownload, resolveName, takeDhcpLease } from './harness/clients.ts';
import { LAN_ADDRESS, WEB_ADDRESS, WEB_NAME } from './harness/demo-topology.ts';
import { Lab } from './harness/lab.ts';
import { until } from './harness/until.ts';

export const about = 'the Raspberry Pi image boots by itself in an emulator and carries a laptop to a gateway outside';
export const takes = '6 min with an image at hand; building one takes 3 more, and 15 the first time';

const OFF_DEADLINE_MS = 90_000;
const RADIOS_DEADLINE_MS = 180_000;
const BARE_DEADLINE_MS = 420_000;
const MAX_MEMORY_BYTES = 150e6;
/** A laptop's ping goes through the tunnel before the system alone could have started twice. */
const MAX_TIMES_BARE = 2;
const OUR_SERVICES = ['skywire-firewall', 'skywire-identity', 'skywired', 'skywire-announce'];
/** Of everything that runs for us: the daemon, and its children, dnsmasq and what the radios need. */
const RESIDENT =
  'for p in $(cat /sys/fs/cgroup/system.slice/skywired.service/cgroup.procs); do grep VmRSS /proc/$p/status; done';

const RADIO_PROGRAMS = 'grep -lE "^(hostapd|wpa_supplicant)$" /proc/[0-9]*/comm';

/** Seconds from the start of the kernel until each unit was ready. */
function readyTimes(site: BoardSite, ip: string): Record<string, number> {
  const units = { network: 'systemd-networkd', ssh: 'ssh', daemon: 'skywired' };
  const shown = site.ssh(
    ip,
    `systemctl show --value -p ActiveEnterTimestampMonotonic ${Object.values(units).join(' ')}`,
  );
  const seconds = shown.split(/\s+/).map((text) => Math.round(Number(text) / 1e5) / 10);
  return Object.fromEntries(Object.keys(units).map((name, index) => [name, seconds[index]]));
}

function residentBytes(site: BoardSite, ip: string): number {
  return 1024 * [...site.ssh(ip, RESIDENT).matchAll(/(\d+) kB/g)].reduce((sum, [, kib]) => sum + Number(kib), 0);
}

/** What is not as it has to be on a board that runs. */
function inspect(site: BoardSite, ip: string): string[] {
  const wrong: string[] = [];
  const check = (right: boolean, what: string) => {
    if (!right) wrong.push(what);
  };
  const ask = (command: string) => site.ssh(ip, command);
  check(/ squashfs ro\b/.test(ask('grep " / " /proc/mounts')), 'the system is not read-only');
  check(Number(ask('stat -f -c "%b %S" /state | { read b s; echo $((b * s)); }')) > 500e6, 'the state did not grow');
  check(ask('cut -d: -f2 /etc/shadow | grep -v "^[!*]" || true') === '', 'somebody has a password');
  check(ask('find / -xdev -perm -002 -type f || true') === '', 'files that everybody may write');
  const failed = ask('systemctl --failed --plain --no-legend');
  check(failed === '', `failed units: ${failed}`);
  return wrong;
}

/** What is not as it has to be with two radios in a box that knows no country: nothing of it may send. */
function inspectSilence(site: BoardSite, ip: string): string[] {
  const ask = (command: string) => site.ssh(ip, command);
  ask('modprobe mac80211_hwsim radios=2 && udevadm settle');
  const up = ask('ip -o link show up | grep -E " (wlan|sky-)" || true');
  const programs = ask(`cat $(${RADIO_PROGRAMS}) /dev/null`);
  const wrong = up === '' && programs === '' ? [] : [`radios without a country: ${up} ${programs}`];
  return ask('iw phy').split('Wiphy').length === 3 ? wrong : [...wrong, 'there are no radios'];
}

interface WifiStatus {
  readonly country: string;
  readonly problem: string | null;
  readonly radios: readonly { readonly state: string; readonly mode: string; readonly problem: string | null }[];
}

/** Resolves when both radios work, with what is not as it has to be. */
async function inspectRadios(site: BoardSite, ip: string): Promise<string[]> {
  const ask = (command: string) => site.ssh(ip, command);
  const status = () => JSON.parse(ask('skywire status --json')).wifi as WifiStatus;
  ask('modprobe mac80211_hwsim radios=2');
  const bothUp = () => {
    const { radios } = status();
    return radios.length === 2 && radios.every(({ state }) => state === 'up');
  };
  await until('two radios', RADIOS_DEADLINE_MS, bothUp, () => JSON.stringify(status()));
  const { country, problem, radios } = status();
  const wrong = [problem, ...radios.map((radio) => radio.problem)].filter((text) => text !== null);
  if (country !== 'DE' || !/^country DE:/m.test(ask('iw reg get'))) wrong.push(`the country is ${country}`);
  if (!radios.every(({ mode }) => mode === 'mesh')) wrong.push(`radios are ${JSON.stringify(radios)}`);
  const points = ask(`for p in $(${RADIO_PROGRAMS}); do cat \${p%/comm}/cgroup; done`);
  if (points.split('/skywired.service').length !== 3) wrong.push(`access points: ${points}`);
  return wrong;
}

/** Seconds until the system is up where nothing of ours starts. */
async function bareSeconds(site: BoardSite, ip: string): Promise<number> {
  site.board.powerOn({ without: OUR_SERVICES });
  const explain = () => site.board.machine.tail();
  const { network, ssh } = await until('SSH', BARE_DEADLINE_MS, () => readyTimes(site, ip), explain);
  return Math.max(network, ssh);
}

export async function run(context: RunContext): Promise<RunResult> {
  const lab = new Lab(context);
  const site = new BoardSite(context, lab, context.args[0] ?? buildImage(lab.file('image')));
  const { board, laptop } = site;
  const internet = await site.startOutside();
  site.prepareCard();
  context.log('power on');
  const startedMs = performance.now();
  const seconds = () => Math.round((performance.now() - startedMs) / 100) / 10;
  board.powerOn();
  const { address, key, ip } = await site.booted();
  const bootSeconds = seconds();
  context.log('it says who it is');
  await site.startGateway(key);
  await takeDhcpLease(laptop, 'eth0');
  await site.connected();
  const connectSeconds = seconds();
  const name = resolveName(laptop, WEB_NAME);
  fetchPage(laptop, `http://${WEB_NAME}/`);
  const download = await new RunningDownload(laptop, `http://${WEB_ADDRESS}/file`).finished;
  const pings = pingTimes(laptop, WEB_ADDRESS, 10).sort((a, b) => a - b);
  const wrong = inspect(site, ip);
  const memoryBytes = residentBytes(site, ip);
  const systemBytes = Number(site.ssh(ip, 'stat -f -c "%b %S" / | { read b s; echo $((b * s)); }'));
  const ready = readyTimes(site, ip);
  if (download.sha256 !== internet.sha256) wrong.push('the download is not what was sent');
  if (name !== WEB_ADDRESS) wrong.push(`the name resolves to ${name}`);
  if (!laptop.run('ip', 'route').includes(`via ${LAN_ADDRESS}`)) wrong.push('the lease names another router');

  context.log(`first start: ${JSON.stringify({ ready, bootSeconds, connectSeconds, memoryBytes, wrong })}`);
  wrong.push(...inspectSilence(site, ip));
  context.log('as new with the same identity, by command; restart, the same by a file');
  const reset = JSON.parse(site.ssh(ip, 'skywire setup reset --keep-identity --json'));
  if (reset.address !== address || !reset.started) wrong.push(`setup reset says ${JSON.stringify(reset)}`);
  site.ssh(ip, 'touch /var/lib/skywire/learned');
  site.restart(ip);
  if ((await board.machine.ends(OFF_DEADLINE_MS)) !== 'restart') wrong.push('it did not restart');
  site.layFile('reset-keep-identity');
  site.prepareCard({ wifi: '[wifi]\r\ncountry = "DE"\r\n' });
  board.powerOn();
  const again = await site.booted();
  if (again.address !== address) wrong.push('after a restart it is another node');
  await site.connected();
  const left = site.ssh(again.ip, 'ls /var/lib/skywire /boot/firmware | grep -E "^(learned|reset-)" || true');
  if (left !== '') wrong.push(`after a reset there is ${left}`);
  context.log('radios');
  wrong.push(...(await inspectRadios(site, again.ip)));
  const memoryWithRadiosBytes = residentBytes(site, again.ip);
  for (const bytes of [memoryBytes, memoryWithRadiosBytes]) {
    if (!(bytes > 0 && bytes < MAX_MEMORY_BYTES)) wrong.push(`our processes take ${bytes} bytes`);
  }
  context.log('the system alone');
  site.restart(again.ip);
  await board.machine.ends(OFF_DEADLINE_MS);
  const bare = await bareSeconds(site, again.ip);
  if (connectSeconds > MAX_TIMES_BARE * bare)
    wrong.push(`a ping after ${connectSeconds} s, the system alone takes ${bare}`);
  return {
    pass: wrong.length === 0,
    bare_s: bare,
    ready_s: ready,
    address_s: bootSeconds,
    ping_s: connectSeconds,
    ping_ms: pings[Math.floor(pings.length / 2)],
    download_mbit: Math.round((download.bytes * 8) / download.ms / 100) / 10,
    memory_mb: Math.round(memoryBytes / 1e6),
    memory_with_radios_mb: Math.round(memoryWithRadiosBytes / 1e6),
    system_mb: Math.round(systemBytes / 1e6),
    wrong,
  };
}
