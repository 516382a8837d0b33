/**
 * An arm64 board in an emulator (QEMU's `virt`, in software: some ten times slower than a Raspberry Pi 4), started from a card image as
 * the board's own firmware would (board-firmware.ts). Each of its Ethernet ports is a device of the same name in a namespace of the
 * lab, joined to the machine's by a bridge that stays when the machine is switched off.
 *
 *   port up ── bridge ── tap-up ── eth0 of the machine
 *
 * A board with no port in the lab is alone: its Ethernet ports have no cable, and its time is its own (emulated-machine.ts).
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { findSystem } from './board-firmware.ts';
import { EmulatedMachine, OWN_TIME } from './emulated-machine.ts';
import type { Host, Lab } from './lab.ts';
import { LAB_UNIT, labUnit, UNIT_CREDENTIAL } from './lab-unit.ts';

const MEMORY_MIB = 1024;
const TWO_PROCESSORS = ['-smp', '2'];
const ALONE = [
  ...OWN_TIME,
  ...[0, 1].flatMap((hub) => [
    ...['-netdev', `hubport,id=dead${hub},hubid=${hub}`],
    ...['-device', `virtio-net-pci,netdev=dead${hub},romfile=`],
  ]),
];
/** Nobody logs in there, and nobody tells it the time. */
const NEEDLESS_ALONE = ['ssh', 'systemd-timesyncd', 'systemd-networkd-wait-online'];
/**
 * Whoever stops the emulator for minutes makes the machine's clock leap, and where time is skipped it leaps while the disk is waited for: no unit and no
 * disk is late for that.
 */
const PATIENCE = 'systemd.default_timeout_start_sec=1800 systemd.default_device_timeout_sec=1800';
/** Nobody attacks it, and with its guards the emulator has to forget all addresses at each system call. */
const UNGUARDED = 'nokaslr kpti=off mitigations=off';

export interface BoardStart {
  /** The last restart asked for the other system, once. */
  readonly tryboot?: boolean | undefined;
  /** A new file that gets all that is written to the card (card-log.ts). */
  readonly log?: string;
  /** Runs in there once the node does (lab-unit.ts). */
  readonly script?: string | undefined;
  /** Services that do not start. */
  readonly without?: readonly string[];
}

export class VirtualBoard {
  readonly machine: EmulatedMachine;
  readonly disk: string;
  private readonly folder: string;
  private readonly ports: readonly string[];
  /** Files that it sees as further disks, read-only: /dev/vdb and on. */
  private readonly sticks: readonly string[];

  /** `ports` are devices of `host`; the machine calls them eth0, eth1 and so on. None: the board is alone. */
  constructor(lab: Lab, host: Host, disk: string, ports: readonly string[], sticks: readonly string[] = []) {
    this.machine = new EmulatedMachine(host, 'qemu-system-aarch64');
    this.disk = disk;
    this.ports = ports;
    this.sticks = sticks;
    this.folder = lab.file(`${host.name}-board`);
    mkdirSync(this.folder);
    for (const port of ports) {
      const [bridge, tap] = [`br-${port}`, `tap-${port}`];
      host.run('ip', 'link', 'add', 'name', bridge, 'type', 'bridge');
      host.run('ip', 'tuntap', 'add', 'dev', tap, 'mode', 'tap');
      for (const member of [port, tap]) host.run('ip', 'link', 'set', 'dev', member, 'master', bridge);
      for (const device of [tap, bridge]) host.setLink(device, 'up');
    }
  }

  /** Starts it as the firmware does. */
  powerOn({ tryboot = false, log, script, without = [] }: BoardStart = {}): void {
    const { kernel, initramfs, cmdline } = findSystem(this.disk, this.folder, tryboot);
    const alone = this.ports.length === 0;
    const masked = [...without, ...(alone ? NEEDLESS_ALONE : [])].map((unit) => `systemd.mask=${unit}.service`);
    const options = [PATIENCE, UNGUARDED, ...masked, ...labArguments(script)];
    this.machine.powerOn([
      ...['-M', 'virt', '-cpu', 'cortex-a72', '-m', String(MEMORY_MIB)],
      ...(alone ? ALONE : TWO_PROCESSORS),
      ...['-kernel', kernel, '-initrd', initramfs, '-append', [cmdline, ...options].join(' ')],
      ...cardDevice(this.disk, log),
      ...this.sticks.flatMap((file, index) => [
        ...['-blockdev', `driver=raw,node-name=stick${index},read-only=on,file.driver=file,file.filename=${file}`],
        ...['-device', `virtio-blk-pci,drive=stick${index}`],
      ]),
      ...this.ports.flatMap((port) => [
        ...['-netdev', `tap,id=${port},ifname=tap-${port},script=no,downscript=no`],
        ...['-device', `virtio-net-pci,netdev=${port},romfile=`],
      ]),
    ]);
  }
}

/** The lab's unit, for the kernel's command line. */
function labArguments(script: string | undefined): string[] {
  if (script === undefined) return [];
  const credential = `${UNIT_CREDENTIAL}:${Buffer.from(labUnit(script)).toString('base64')}`;
  return [`systemd.set_credential_binary=${credential}`, `systemd.wants=${LAB_UNIT}`];
}

function cardDevice(disk: string, log: string | undefined): string[] {
  const card = (prefix: string) => `${prefix}driver=raw,${prefix}file.driver=file,${prefix}file.filename=${disk}`;
  if (log !== undefined) writeFileSync(log, '');
  const logged = `driver=blklogwrites,${card('file.')},log.driver=file,log.filename=${log},log-sector-size=512`;
  return [
    ...['-blockdev', `node-name=card,${log === undefined ? card('') : logged}`],
    ...['-device', 'virtio-blk-pci,drive=card'],
  ];
}
