/**
 * An arm64 board in an emulator (QEMU's `virt`, in software: some ten times slower than a Raspberry Pi 4), started from a card image as
 * the board's own firmware would (board-firmware.ts). Each of its Ethernet ports is a device of the same name in a namespace of the
 * lab, joined to the machine's by a bridge that stays when the machine is switched off.
 *
 *   port up ── bridge ── tap-up ── eth0 of the machine
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { findSystem } from './board-firmware.ts';
import type { Host, Lab } from './lab.ts';
import type { LabProcess } from './lab-process.ts';
import { until } from './until.ts';

const PROCESSORS = 2;
const MEMORY_MIB = 1024;
/** The last lines of the kernel tell what it was asked to do. */
const RESTART = /reboot: Restarting system( with command '0 tryboot')?/;
const SHOWN_LINES = 25;
/** Whoever stops the emulator for minutes makes the machine's clock leap: no unit and no disk is late for that. */
const PATIENCE = 'systemd.default_timeout_start_sec=1800 systemd.default_device_timeout_sec=1800';

export class VirtualBoard {
  readonly host: Host;
  readonly disk: string;
  private readonly folder: string;
  private readonly ports: readonly string[];
  /** Files that it sees as further disks, read-only: /dev/vdb and on. */
  private readonly sticks: readonly string[];
  private process: LabProcess | undefined;
  private lines: string[] = [];

  /** `ports` are devices of `host`; the machine calls them eth0, eth1 and so on. */
  constructor(lab: Lab, host: Host, disk: string, ports: readonly string[], sticks: readonly string[] = []) {
    this.host = host;
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

  /**
   * Starts it as the firmware does. `tryboot`: the last restart asked for the other system, once. `log` is a new file that gets all
   * that is written to the card (card-log.ts).
   */
  powerOn({ tryboot = false, log }: { readonly tryboot?: boolean; readonly log?: string } = {}): void {
    const { kernel, initramfs, cmdline } = findSystem(this.disk, this.folder, tryboot);
    this.lines = [];
    const args = [
      ...['-M', 'virt', '-cpu', 'cortex-a72', '-smp', String(PROCESSORS), '-m', String(MEMORY_MIB)],
      ...['-nodefaults', '-display', 'none', '-serial', 'stdio', '-no-reboot', '-device', 'virtio-rng-pci'],
      ...['-kernel', kernel, '-initrd', initramfs, '-append', `${cmdline} ${PATIENCE}`],
      ...cardDevice(this.disk, log),
      ...this.sticks.flatMap((file, index) => [
        ...['-blockdev', `driver=raw,node-name=stick${index},read-only=on,file.driver=file,file.filename=${file}`],
        ...['-device', `virtio-blk-pci,drive=stick${index}`],
      ]),
      ...this.ports.flatMap((port) => [
        ...['-netdev', `tap,id=${port},ifname=tap-${port},script=no,downscript=no`],
        ...['-device', `virtio-net-pci,netdev=${port},romfile=`],
      ]),
    ];
    this.process = this.host.start('qemu', 'qemu-system-aarch64', args, (line) => this.lines.push(line));
  }

  /** Resolves with the first match on the console since it was switched on. */
  async says(pattern: RegExp, deadlineMs: number): Promise<RegExpExecArray> {
    const find = () => {
      const found = this.lines.map((line) => pattern.exec(line)).find((match) => match !== null);
      if (found === undefined && !this.process?.running) throw new Error('it is off');
      return found;
    };
    return until(`${pattern.source} on the console`, deadlineMs, find, () => this.tail());
  }

  /** Resolves when it has ended by itself, with what it asked the firmware for. */
  async ends(deadlineMs: number): Promise<'off' | 'restart' | 'tryboot'> {
    await until(
      'the end of the machine',
      deadlineMs,
      () => !this.process?.running,
      () => this.tail(),
    );
    const restart = this.lines.map((line) => RESTART.exec(line)).findLast((match) => match !== null);
    if (restart === null || restart === undefined) return 'off';
    return restart[1] === undefined ? 'restart' : 'tryboot';
  }

  async powerCut(): Promise<void> {
    await this.process?.kill();
  }

  tail(): string {
    return `--- last lines of the console\n${this.lines.slice(-SHOWN_LINES).join('\n')}\n${this.process?.tail() ?? ''}`;
  }
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
