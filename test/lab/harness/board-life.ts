/**
 * The life of a board that is alone, from its first start to the trial of an update, with everything that it writes to its card in logs
 * (card-log.ts). It has three parts, each from the switching on to the next restart, and is kept in a folder: for each part the card as it was
 * before, and the log. What has been played of it is not played again.
 */
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RunContext } from '../../../scripts/run-contract.ts';
import { layBootFile } from './board-firmware.ts';
import { IMAGE_PRODUCT, UpdateWorkshop } from './board-updates.ts';
import { copyCard, writeCard } from './card-image.ts';
import type { Lab } from './lab.ts';
import { LOOK, SEEN } from './lab-unit.ts';
import { type BoardStart, VirtualBoard } from './virtual-board.ts';

/** In the time of whoever waits: an emulated machine among busy ones may be many minutes at it. */
const DEADLINE_MS = 3_600_000;
const NAMES = /skywire: address (\S+) key/;
/** Nobody logs in with it; the board makes a key of its own because of it. */
const SOMEBODYS_KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA nobody\n';
const LIFE_FILE = 'life.json';

interface Part {
  /** What a person lays on the boot partition before. */
  readonly files?: Readonly<Record<string, string>>;
  readonly nodeName: string;
  readonly tryboot?: boolean;
  /** Runs on the board once the node does, and ends with a restart. */
  readonly script?: string;
  readonly ends: 'restart' | 'tryboot' | 'kept';
  /** What the part is called until the node runs, and from then on. */
  readonly stretches: readonly [string, string];
}

const configText = (name: string) =>
  `[node]\nname = "${name}"\n[discovery]\ninterfaces = []\n[lan]\ninterface = "eth1"\n`;
/** From the stick. Alone, a new system has to show no more than that its daemon runs. */
const INSTALL =
  'mount -o ro /dev/vdb /mnt && skywire update --no-restart /mnt/good && systemctl reboot --reboot-argument="0 tryboot"';
const KEPT = /skywire: the update works \(daemon\) and is kept/;

const PARTS: readonly Part[] = [
  {
    files: { authorized_keys: SOMEBODYS_KEY, 'skywire.toml': configText('box') },
    nodeName: 'box',
    script: 'sleep 60; systemctl reboot',
    ends: 'restart',
    stretches: ['first start', 'running and restart'],
  },
  {
    files: { 'skywire.toml': configText('box2') },
    nodeName: 'box2',
    script: INSTALL,
    ends: 'tryboot',
    stretches: ['new configuration', 'update'],
  },
  { nodeName: 'box2', tryboot: true, ends: 'kept', stretches: ['trial', 'commit'] },
];

export interface Stretch {
  readonly name: string;
  /** Paths of the card as it was when the part began, and of what was written to it since. */
  readonly card: string;
  readonly log: string;
  /** Sizes of the log at its begin and end. */
  readonly from: number;
  readonly to: number;
  /** The node's address is known to the world by then. */
  readonly isSomebody: boolean;
  readonly nodeName: string;
  /** Which systems may run after a cut. */
  readonly versions: readonly number[];
}

export interface Life {
  /** Of the image that it is the life of. */
  readonly version: number;
  /** Parts that have been played. */
  readonly parts: number;
  readonly address: string;
  readonly stretches: readonly Stretch[];
}

export interface Sight {
  readonly address: string;
  readonly nodeName: string;
  readonly version: number;
  /** Units that did not start. */
  readonly failed: string;
}

/** Switches a board on that is alone, and resolves when its node runs, with how it looks then. */
export async function comesUp(board: VirtualBoard, start: BoardStart = {}): Promise<Sight> {
  const { script, ...other } = start;
  board.powerOn({ ...other, script: script === undefined ? LOOK : `${LOOK}; ${script}` });
  const [, nodeName, version, failed] = await board.machine.says(SEEN, DEADLINE_MS);
  const [, address] = await board.machine.says(NAMES, 1);
  return { address, nodeName, version: Number(version), failed };
}

/** Plays what is missing of the life of the image in `folder`. */
export async function playLife(context: RunContext, lab: Lab, folder: string): Promise<Life> {
  const shop = new UpdateWorkshop(lab, folder);
  let life = recall(folder, shop.release.version);
  if (life.parts === PARTS.length) return life;
  shop.system('good', 1);
  const board = new VirtualBoard(lab, lab.addHost('board'), lab.file('card'), [], [shop.pressStick()]);
  context.onExit(() => board.machine.powerCut());
  if (life.parts === 0) writeCard(join(folder, `${IMAGE_PRODUCT}.img`), cardBefore(folder, 0));
  while (life.parts < PARTS.length) {
    context.log(PARTS[life.parts].stretches.join(', '));
    life = await playPart(lab, board, folder, life);
    writeFileSync(join(folder, LIFE_FILE), JSON.stringify(life));
  }
  return life;
}

function recall(folder: string, version: number): Life {
  const file = join(folder, LIFE_FILE);
  const life = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Life) : undefined;
  return life?.version === version ? life : { version, parts: 0, address: '', stretches: [] };
}

const cardBefore = (folder: string, part: number) => join(folder, `life-${part}.card`);

async function playPart(lab: Lab, board: VirtualBoard, folder: string, life: Life): Promise<Life> {
  const { files = {}, nodeName, tryboot, script, ends, stretches: names } = PARTS[life.parts];
  const card = cardBefore(folder, life.parts);
  for (const [name, text] of Object.entries(files)) {
    writeFileSync(lab.file(name), text);
    layBootFile(card, name, lab.file(name));
  }
  copyCard(card, board.disk);
  const log = join(folder, `life-${life.parts}.log`);
  const { address } = await comesUp(board, { tryboot, log, script });
  // The board goes on meanwhile: what it writes until now belongs to what comes first.
  const middle = statSync(log).size;
  if (ends === 'kept') {
    await board.machine.says(KEPT, DEADLINE_MS);
    await board.machine.powerCut();
  } else {
    const end = await board.machine.ends(DEADLINE_MS);
    if (end !== ends) throw new Error(`it ended with ${end}`);
  }
  copyCard(board.disk, cardBefore(folder, life.parts + 1));
  const versions = [life.version, ...(tryboot ? [life.version + 1] : [])];
  const common = { card, log, nodeName, versions };
  const isFirst = life.parts === 0;
  const stretches = [
    { ...common, name: names[0], from: 0, to: middle, isSomebody: !isFirst },
    { ...common, name: names[1], from: middle, to: statSync(log).size, isSomebody: true },
  ];
  return {
    version: life.version,
    parts: life.parts + 1,
    address: isFirst ? address : life.address,
    stretches: [...life.stretches, ...stretches],
  };
}
