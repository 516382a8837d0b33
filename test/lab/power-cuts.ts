/**
 * Power cuts of a board at random moments of its first start, of running and restarting, of a start with a new configuration, of the writing of
 * an update, of its trial and of its being kept. One life of the board is played (harness/board-life.ts) with everything that it writes to the card in a log; for
 * each cut the card is made what that moment may leave of it, the board is switched on, and it has to come up as the same node, with the configuration
 * that it was given, and with the old or the new system. The board is alone, so its time is its own (harness/virtual-board.ts), and there are as many
 * of them at a time as processors.
 *
 * `lab power-cuts [CUTS] [FOLDER]`: CUTS is how many, 50 unless told otherwise, or which of them, as in 11-20: a cut is drawn by its number alone. FOLDER as
 * for bad-updates; the life that was played is kept in it, and is not played again.
 */
import { availableParallelism } from 'node:os';
import type { RunContext, RunResult } from '../../scripts/run-contract.ts';
import { SeededRandom } from '../../src/base/seeded-random.ts';
import { comesUp, type Life, playLife, type Stretch } from './harness/board-life.ts';
import { prepareUpdates } from './harness/board-updates.ts';
import { copyCard } from './harness/card-image.ts';
import { CardLog } from './harness/card-log.ts';
import { Lab } from './harness/lab.ts';
import { VirtualBoard } from './harness/virtual-board.ts';

export const about = 'power cuts at random moments of first boot, running, update and trial: it comes back every time';
export const takes =
  '50 min with 50 cuts on two processors, and 5 more to build the image; `power-cuts 11-20` makes those ten';

const CUTS = '50';
const SEED = 6;

/** One cut by its number; returns what was not right afterwards. */
async function cut(board: VirtualBoard, stretch: Stretch, life: Life, number: number): Promise<string[]> {
  const random = new SeededRandom(SEED, `cut ${number}`);
  const log = new CardLog(stretch.log);
  const [low, high] = [log.requestsIn(stretch.from), log.requestsIn(stretch.to)];
  const at = low + random.integer(high - low + 1);
  copyCard(stretch.card, board.disk);
  log.replay(board.disk, at, random);
  const where = `cut ${number}, ${stretch.name}, request ${at} of ${low} to ${high}`;
  try {
    const { address, nodeName, version, failed } = await comesUp(board);
    const wrong = failed === '' ? [] : [`${where}: failed units: ${failed}`];
    if (stretch.isSomebody && address !== life.address) wrong.push(`${where}: it is another node`);
    if (nodeName !== stretch.nodeName) wrong.push(`${where}: it is called ${nodeName}`);
    if (!stretch.versions.includes(version)) wrong.push(`${where}: version ${version} runs`);
    return wrong;
  } catch (error) {
    return [`${where}: ${error instanceof Error ? error.message : error}`];
  } finally {
    await board.machine.powerCut();
  }
}

export async function run(context: RunContext): Promise<RunResult> {
  const lab = new Lab(context);
  const isCuts = (arg: string) => /^\d+(-\d+)?$/.test(arg);
  const [low, high] = (context.args.find(isCuts) ?? CUTS).split('-').map(Number);
  const [first, last] = high === undefined ? [1, low] : [low, high];
  const folder = context.args.find((arg) => !isCuts(arg)) ?? prepareUpdates(lab);
  const life = await playLife(context, lab, folder);
  const wrong: string[] = [];
  const made: Record<string, number> = {};
  let next = first;
  const makeCuts = async (worker: number) => {
    const host = lab.addHost(`board-${worker}`);
    const board = new VirtualBoard(lab, host, lab.file(`card-${worker}`), []);
    context.onExit(() => board.machine.powerCut());
    while (next <= last) {
      const number = next++;
      const stretch = life.stretches[number % life.stretches.length];
      context.log(`cut ${number} of ${first} to ${last}: ${stretch.name}`);
      const found = await cut(board, stretch, life, number);
      for (const line of found) context.log(line);
      made[stretch.name] = (made[stretch.name] ?? 0) + 1;
      wrong.push(...found);
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, (_, worker) => makeCuts(worker)));
  return { pass: wrong.length === 0, cuts: made, wrong };
}
