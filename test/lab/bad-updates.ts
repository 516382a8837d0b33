/**
 * Updates of the Raspberry Pi image on a board that runs, from a stick: those that are not to be installed are refused with a reason; a
 * system whose daemon crashes, or runs and does not connect, is gone after its trial; a good one is kept.
 *
 *   laptop ── board ── gateway ── internet      (harness/board-site.ts)
 *
 * `lab bad-updates [refused] [crashes] [mute] [good] [FOLDER]`: all four unless some are named. FOLDER has what `scripts/build-image --fast` left there
 * with --update-threshold 2, and the private keys in update-1.pem to update-3.pem; without it the image is built.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RunContext, RunResult } from '../../scripts/run-contract.ts';
import { BoardSite } from './harness/board-site.ts';
import { IMAGE_PRODUCT, prepareUpdates, UpdateWorkshop } from './harness/board-updates.ts';
import { takeDhcpLease } from './harness/clients.ts';
import { Lab, ToolError } from './harness/lab.ts';

export const about = 'bad updates of the image are refused or gone after their trial; a good one is kept';
export const takes = '15 min, and 5 more to build the image';

/** What is tried, in this order; before it come those that are refused. */
const TRIALS = ['crashes', 'mute', 'good'] as const;
type Trial = (typeof TRIALS)[number];
const REFUSED = 'refused';
/** Of the tries that fail; a good one ends its trial itself. */
const BAD_TRIAL_S = 150;
const GOOD_TRIAL_S = 600;
const RESTART_DEADLINE_MS = 120_000;
/** Until a new system that shows nothing has restarted the machine. */
const ROLLBACK_DEADLINE_MS = (BAD_TRIAL_S + 300) * 1000;

/** What updates that must not be installed are answered; the files lie on the stick. */
function makeRefused(shop: UpdateWorkshop): Record<string, RegExp> {
  shop.stub('stranger', 1, { by: [shop.strangerKey, shop.key(2)] });
  shop.stub('lonely', 1, { by: [shop.key(1), shop.key(1)] });
  shop.stub('older', -1);
  shop.stub('same', 0);
  shop.stub('stale', 1, { expires: ['--expires', '1 hour ago'] });
  shop.stub('damaged', 1);
  const damaged = readFileSync(join(shop.stick, 'damaged'));
  writeFileSync(join(shop.stick, 'longer'), Buffer.concat([damaged, Buffer.from('x')]));
  writeFileSync(join(shop.stick, 'truncated'), damaged.subarray(0, -1));
  damaged[damaged.length - 1] ^= 1;
  writeFileSync(join(shop.stick, 'damaged'), damaged);
  return {
    stranger: /1 of the keys in this system/,
    lonely: /1 of the keys in this system/,
    older: /is older/,
    same: /runs already/,
    stale: /it expired/,
    damaged: /another checksum/,
    longer: /bytes belong into it/,
    truncated: /bytes belong into it/,
  };
}

/** Whole systems that are tried; each with what it changes of a good one. */
const SYSTEMS: Readonly<Record<Trial, (shop: UpdateWorkshop) => Readonly<Record<string, string>>>> = {
  crashes: () => ({ 'usr/lib/skywire/skywired.mjs': 'process.exit(1);\n' }),
  mute: (shop) => {
    const unit = 'usr/lib/systemd/system/skywired.service';
    return { [unit]: shop.read(unit).replace(/--config \S+/, '--config /usr/share/skywire/image/skywire.toml') };
  },
  good: () => ({}),
};

/** Installs and follows what happens until a system runs again; says which version that is. */
async function tryUpdate(
  site: BoardSite,
  ip: string,
  name: string,
): Promise<{ version: number; failed: number | null }> {
  const { board } = site;
  site.ssh(ip, `skywire update --no-restart --within ${name === 'good' ? GOOD_TRIAL_S : BAD_TRIAL_S} /mnt/${name}`);
  site.restart(ip, 'tryboot');
  if ((await board.machine.ends(RESTART_DEADLINE_MS)) !== 'tryboot')
    throw new Error(`${name}: it did not restart into a trial`);
  board.powerOn({ tryboot: true });
  if (name === 'good')
    await board.machine.says(/skywire: the update works \(tunnel\) and is kept/, ROLLBACK_DEADLINE_MS);
  else {
    // It ends by itself; then the firmware starts what config.txt names.
    if ((await board.machine.ends(ROLLBACK_DEADLINE_MS)) !== 'restart')
      throw new Error(`${name}: the trial did not restart`);
    board.powerOn();
  }
  await site.booted();
  await site.connected();
  const state = JSON.parse(site.ssh(ip, 'skywire update --json'));
  return { version: state.version, failed: state.failed_version };
}

export async function run(context: RunContext): Promise<RunResult> {
  const lab = new Lab(context);
  const isNamed = (arg: string) => arg === REFUSED || TRIALS.some((name) => name === arg);
  const cases = context.args.some(isNamed) ? context.args.filter(isNamed) : [REFUSED, ...TRIALS];
  const folder = context.args.find((arg) => !isNamed(arg)) ?? prepareUpdates(lab);
  const shop = new UpdateWorkshop(lab, folder);
  context.log('making updates');
  const refusals = makeRefused(shop);
  const tried = TRIALS.filter((name) => cases.includes(name));
  for (const name of tried) shop.system(name, 1 + TRIALS.indexOf(name), SYSTEMS[name](shop));
  const site = new BoardSite(context, lab, join(folder, `${IMAGE_PRODUCT}.img`), [shop.pressStick()]);
  await site.startOutside();
  site.prepareCard();
  context.log('power on');
  site.board.powerOn();
  const { key, ip } = await site.booted();
  await site.startGateway(key);
  await takeDhcpLease(site.laptop, 'eth0');
  await site.connected();
  const mount = () => site.ssh(ip, 'mount -o ro /dev/vdb /mnt');
  mount();
  const wrong: string[] = [];
  if (cases.includes(REFUSED))
    wrong.push(...Object.entries(refusals).flatMap(([name, reason]) => tryRefused(site, ip, name, reason)));
  const { version } = shop.release;
  const seconds: Record<string, number> = {};
  for (const name of tried) {
    context.log(name);
    const startedMs = performance.now();
    const became = await tryUpdate(site, ip, name);
    seconds[name] = Math.round((performance.now() - startedMs) / 1000);
    const own = version + 1 + TRIALS.indexOf(name);
    const right = name === 'good' ? { version: own, failed: null } : { version, failed: own };
    if (became.version !== right.version || became.failed !== right.failed)
      wrong.push(`${name}: ${JSON.stringify(became)}`);
    mount();
    // What ran before is older now.
    if (name === 'good') wrong.push(...tryRefused(site, ip, 'same', /is older/));
  }
  return { pass: wrong.length === 0, refused: cases.includes(REFUSED) ? Object.keys(refusals) : [], seconds, wrong };
}

/** What is wrong with the answer to an update that must not be installed. */
function tryRefused(site: BoardSite, ip: string, name: string, reason: RegExp): string[] {
  try {
    return [`${name} was installed: ${site.ssh(ip, `skywire update --no-restart /mnt/${name}`)}`];
  } catch (error) {
    if (!(error instanceof ToolError)) throw error;
    return reason.test(error.message) ? [] : [`${name}: ${error.message}`];
  }
}
