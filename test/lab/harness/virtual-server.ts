/**
 * A server in an emulator, started from the disk image by its own boot loader under BIOS or UEFI. Its one Ethernet port leads into a network of the
 * emulator's own, with DHCP and a router, which stands in a namespace with nothing behind it; its time is its own (emulated-machine.ts).
 */
import { EmulatedMachine, OWN_TIME } from './emulated-machine.ts';
import type { Host } from './lab.ts';
import { LAB_UNIT, labUnit, UNIT_CREDENTIAL } from './lab-unit.ts';

const MEMORY_MIB = 1024;
/** Debian's package ovmf. What it remembers of one start is gone with the next: the disk is found as on a machine that never saw it. */
const UEFI = [
  ...['-drive', 'if=pflash,format=raw,readonly=on,file=/usr/share/OVMF/OVMF_CODE_4M.fd'],
  ...['-drive', 'if=pflash,format=raw,snapshot=on,file=/usr/share/OVMF/OVMF_VARS_4M.fd'],
];

export type ServerFirmware = 'BIOS' | 'UEFI';

export interface ServerStart {
  readonly firmware: ServerFirmware;
  readonly disk: string;
  /** Runs in there once the node does (lab-unit.ts). */
  readonly script: string;
  /** Further disks, read-only: /dev/vdb and on. */
  readonly sticks: readonly string[];
}

export function startServer(host: Host, { firmware, disk, script, sticks }: ServerStart): EmulatedMachine {
  const machine = new EmulatedMachine(host, 'qemu-system-x86_64');
  const credentials = {
    [UNIT_CREDENTIAL]: labUnit(script),
    'systemd.unit-dropin.multi-user.target': `[Unit]\nWants=${LAB_UNIT}\n`,
  };
  machine.powerOn([
    ...['-M', 'q35', '-m', String(MEMORY_MIB), ...OWN_TIME],
    ...(firmware === 'UEFI' ? UEFI : []),
    ...['-nic', 'user,model=virtio-net-pci'],
    ...[disk, ...sticks].flatMap((file, index) => [
      ...['-drive', `if=none,id=disk${index},format=raw,file=${file},readonly=${index === 0 ? 'off' : 'on'}`],
      ...['-device', `virtio-blk-pci,drive=disk${index},bootindex=${index}`],
    ]),
    ...Object.entries(credentials).flatMap(([name, text]) => {
      const base64 = Buffer.from(text).toString('base64');
      return ['-smbios', `type=11,value=io.systemd.credential.binary:${name}=${base64}`];
    }),
  ]);
  return machine;
}
