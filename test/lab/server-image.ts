/**
 * The image for servers, with no hands on it: its boot loader starts it, it makes itself a gateway, and says who it is. An update from a
 * stick is tried once and kept; one whose daemon crashes is gone after its trial. The disk moves from BIOS to UEFI and back: under each its boot
 * loader starts the system of every day and one on trial, and takes the trial back.
 *
 *   server ── router of the emulator, nothing behind it      (harness/virtual-server.ts)
 *
 * `lab server-image [FOLDER]`: FOLDER has what `scripts/build-image --arch amd64 --fast --update-key` left there, and the private key in
 * update.pem; without it the image is built.
 */
import { join } from 'node:path';
import type { RunContext, RunResult } from '../../scripts/run-contract.ts';
import { prepareUpdates, UpdateWorkshop } from './harness/board-updates.ts';
import { writeCard } from './harness/card-image.ts';
import { Lab } from './harness/lab.ts';
import { LOOK, SEEN } from './harness/lab-unit.ts';
import { type ServerFirmware, startServer } from './harness/virtual-server.ts';

export const about = 'the image for servers starts by itself under BIOS and UEFI, is a gateway, and updates itself';
export const takes = '10 min, and 5 more to build the image';

const PRODUCT = 'skywire-amd64';
/** In the time of whoever waits: an emulated machine among busy ones may be many minutes at it. */
const DEADLINE_MS = 3_600_000;
const NAMES = /skywire: address (\S+) key/;
/** Seconds; the clock in there runs only while it works. */
const BAD_TRIAL_S = 120;
/** Fails where it was another firmware. */
const STARTED_BY: Readonly<Record<ServerFirmware, string>> = {
  BIOS: 'test ! -d /sys/firmware/efi',
  UEFI: 'test -d /sys/firmware/efi',
};

export async function run(context: RunContext): Promise<RunResult> {
  const lab = new Lab(context);
  const folder = context.args[0] ?? prepareUpdates(lab, PRODUCT);
  const shop = new UpdateWorkshop(lab, folder, PRODUCT);
  const { version } = shop.release;
  shop.system('crashes', 1, { 'usr/lib/skywire/skywired.mjs': 'process.exit(1);\n' });
  shop.system('good', 2);
  const [disk, stick] = [lab.file('disk'), shop.pressStick()];
  writeCard(join(folder, `${PRODUCT}.img`), disk);
  const host = lab.addHost('server');
  const wrong: string[] = [];
  const powerOn = (firmware: ServerFirmware, script: string) => {
    const machine = startServer(host, {
      firmware,
      disk,
      script: `${STARTED_BY[firmware]} && { ${script}; }`,
      sticks: [stick],
    });
    context.onExit(() => machine.powerCut());
    return machine;
  };
  /** Starts it and says who it is and what runs, when the script has run. */
  const start = async (firmware: ServerFirmware, script: string) => {
    const machine = powerOn(firmware, `${LOOK}; ${script}`);
    const [, , running, failed] = await machine.says(SEEN, DEADLINE_MS);
    const [, address] = await machine.says(NAMES, 1);
    if (failed !== '') wrong.push(`failed units: ${failed}`);
    return { machine, address, running: Number(running) };
  };
  const isTried = async (firmware: ServerFirmware, name: string) => {
    const install = `mount -o ro /dev/vdb /mnt && skywire update --no-restart --within ${BAD_TRIAL_S} /mnt/${name}`;
    const first = await start(firmware, `${install} && systemctl reboot --reboot-argument="0 tryboot"`);
    if ((await first.machine.ends(DEADLINE_MS)) !== 'tryboot')
      throw new Error(`${name}: it did not restart into a trial`);
    return first;
  };

  context.log('BIOS: first start, and an update that crashes');
  const first = await isTried('BIOS', 'crashes');
  const trial = powerOn('BIOS', LOOK);
  if ((await trial.ends(DEADLINE_MS)) !== 'restart') wrong.push('a trial that fails does not restart');
  context.log('UEFI: a good update');
  const second = await isTried('UEFI', 'good');
  if (second.running !== version) wrong.push(`after a trial that failed version ${second.running} runs`);
  const kept = await start('UEFI', 'echo "<2>lab: $(skywire setup gateway --json)" > /dev/kmsg');
  await kept.machine.says(/skywire: the update works \(daemon\) and is kept/, DEADLINE_MS);
  const [, handout] = await kept.machine.says(/lab: (\{.*"address".*\})/, DEADLINE_MS);
  const gateway = JSON.parse(handout);
  await kept.machine.powerCut();
  context.log('BIOS: a start after a power cut');
  const isGateway = 'echo "<2>lab: $(grep ^enable /etc/skywire/skywired.toml)" > /dev/kmsg';
  const last = await start('BIOS', `! grep -q skywire.trial= /proc/cmdline && ${isGateway}`);
  await last.machine.says(/lab: enable = true/, DEADLINE_MS);
  if (last.running !== version + 2) wrong.push(`after an update version ${last.running} runs`);
  const addresses = new Set([first.address, second.address, kept.address, last.address, gateway.address]);
  if (addresses.size > 1) wrong.push('it is several nodes');
  return { pass: wrong.length === 0, endpoint: gateway.endpoint, wrong };
}
