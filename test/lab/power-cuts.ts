/**
 * Power cuts of a board at random moments of its first start, of normal running, of a start with a new configuration, of the writing of
 * an update and of its trial. One life of the board is played with everything that it writes to the card in a log (harness/card-log.ts); for
 * each cut the card is made what that moment may leave of it, the board is switched on, and it has to come up as the same node, with the configuration
 * that it was given, and with the old or the new system.
 *
 *   board ── gateway      (harness/board-site.ts)
 *
 * `lab power-cuts [CUTS] [FOLDER]`: 50 cuts unless told otherwise; FOLDER as for bad-updates.
 */
import { copyFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { RunContext, RunResult } from '../../scripts/run-contract.ts';
import { SeededRandom } from '../../src/base/seeded-random.ts';
import { BoardSite } from './harness/board-site.ts';
import { IMAGE_PRODUCT, prepareUpdates, UpdateWorkshop } from './harness/board-updates.ts';
import { CardLog } from './harness/card-log.ts';
import { Lab } from './harness/lab.ts';

export const about = 'power cuts at random moments of first boot, running, update and trial: it comes back every time';
export const takes = '45 min with 50 cuts, and 5 more to build the image; a number behind the name is that of cuts';

const CUTS = 50;
const SEED = 6;
const RESTART_DEADLINE_MS = 120_000;
const TRIAL_DEADLINE_MS = 400_000;

/** A stretch of the life that is cut: which requests of a log, on which card, and what has to hold afterwards. */
interface Stretch {
  readonly name: string;
  readonly card: string;
  readonly log: string;
  /** Sizes of the log at its begin and end. */
  readonly from: number;
  readonly to: number;
  /** The node's address is known to the world by then. */
  readonly isSomebody: boolean;
  readonly nodeName: string;
  readonly versions: readonly number[];
}

/** Plays the life and returns its stretches, and the node's address. */
async function play(context: RunContext, site: BoardSite, version: number) {
  const { board, lab } = site;
  const copyCard = (name: string) => {
    copyFileSync(board.disk, lab.file(name));
    return lab.file(name);
  };
  const size = (log: string) => statSync(log).size;
  const stretches: Stretch[] = [];

  context.log('first start');
  const [newCard, firstLog] = [copyCard('card-new'), lab.file('log-first')];
  board.powerOn({ log: firstLog });
  const { address, key, ip } = await site.booted();
  const common = { card: newCard, log: firstLog, nodeName: 'box', versions: [version] };
  const bootedAt = size(firstLog);
  stretches.push({ ...common, name: 'first start', from: 0, to: bootedAt, isSomebody: false });
  await site.startGateway(key);
  site.restart(ip);
  await board.ends(RESTART_DEADLINE_MS);
  stretches.push({ ...common, name: 'running', from: bootedAt, to: size(firstLog), isSomebody: true });

  context.log('another configuration, and an update');
  site.prepareCard('box2');
  const [oldCard, secondLog] = [copyCard('card-old'), lab.file('log-second')];
  board.powerOn({ log: secondLog });
  await site.booted();
  const later = { card: oldCard, log: secondLog, nodeName: 'box2', isSomebody: true, versions: [version] };
  const updateAt = size(secondLog);
  stretches.push({ ...later, name: 'new configuration', from: 0, to: updateAt });
  site.ssh(ip, 'mount -o ro /dev/vdb /mnt && skywire update --no-restart /mnt/good');
  site.restart(ip, 'tryboot');
  await board.ends(RESTART_DEADLINE_MS);
  stretches.push({ ...later, name: 'update', from: updateAt, to: size(secondLog) });

  context.log('trial');
  const [trialCard, trialLog] = [copyCard('card-trial'), lab.file('log-trial')];
  board.powerOn({ tryboot: true, log: trialLog });
  await board.says(/skywire: the update works \(\w+\) and is kept/, TRIAL_DEADLINE_MS);
  await board.powerCut();
  const onTrial = { ...later, card: trialCard, log: trialLog, versions: [version, version + 1] };
  stretches.push({ ...onTrial, name: 'trial', from: 0, to: size(trialLog) });
  return { address, stretches };
}

/** Cuts once in the stretch and returns what was not right afterwards. */
async function cut(site: BoardSite, stretch: Stretch, address: string, random: SeededRandom): Promise<string[]> {
  const log = new CardLog(stretch.log);
  const [first, last] = [log.requestsIn(stretch.from), log.requestsIn(stretch.to)];
  const at = first + random.integer(last - first + 1);
  copyFileSync(stretch.card, site.board.disk);
  log.replay(site.board.disk, at, random);
  const where = `${stretch.name}, request ${at} of ${first} to ${last}`;
  try {
    site.board.powerOn();
    const names = await site.booted();
    const wrong: string[] = [];
    if (stretch.isSomebody && names.address !== address) wrong.push(`${where}: it is another node`);
    const answer = site.ssh(
      names.ip,
      `grep ^name /etc/skywire/skywired.toml; systemctl --failed --plain --no-legend; skywire update --json`,
    );
    const lines = answer.split('\n').map((line) => line.trim());
    const { version } = JSON.parse(lines.pop()!);
    if (lines.join() !== `name = "${stretch.nodeName}"`) wrong.push(`${where}: ${lines.join(', ')}`);
    if (!stretch.versions.includes(version)) wrong.push(`${where}: version ${version} runs`);
    return wrong;
  } catch (error) {
    return [`${where}: ${error instanceof Error ? error.message : error}`];
  } finally {
    await site.board.powerCut();
  }
}

export async function run(context: RunContext): Promise<RunResult> {
  const lab = new Lab(context);
  const cuts = Number(context.args.find((arg) => /^\d+$/.test(arg)) ?? CUTS);
  const folder = context.args.find((arg) => !/^\d+$/.test(arg)) ?? prepareUpdates(lab);
  const shop = new UpdateWorkshop(lab, folder);
  shop.system('good', 1);
  const site = new BoardSite(context, lab, join(folder, `${IMAGE_PRODUCT}.img`), [shop.pressStick()]);
  await site.startOutside();
  site.prepareCard();
  const { address, stretches } = await play(context, site, shop.release.version);
  const random = new SeededRandom(SEED, 'power-cuts');
  const wrong: string[] = [];
  const made: Record<string, number> = {};
  for (let count = 0; count < cuts; count++) {
    const stretch = stretches[count % stretches.length];
    context.log(`cut ${count + 1} of ${cuts}: ${stretch.name}`);
    made[stretch.name] = (made[stretch.name] ?? 0) + 1;
    wrong.push(...(await cut(site, stretch, address, random)));
  }
  return { pass: wrong.length === 0, cuts: made, wrong };
}
