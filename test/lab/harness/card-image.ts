/** The Raspberry Pi image of the tree as it stands, on a card of the lab's. */
import { spawnSync } from 'node:child_process';
import { truncateSync } from 'node:fs';
import { join } from 'node:path';
import { PROJECT_ROOT } from '../../../scripts/named-runs.ts';
import { ToolError, tool } from './lab.ts';

/** Larger than the image, as every card is: the state partition has room to grow. */
const CARD_BYTES = 2 * 2 ** 30;

/** Builds the image with little compression into `folder` and returns its path. `options` are those of scripts/build-image. */
export function buildImage(folder: string, ...options: string[]): string {
  const args = ['--fast', '--out', folder, ...options];
  const done = spawnSync(join(PROJECT_ROOT, 'scripts/build-image'), args, { encoding: 'utf8' });
  if (done.status !== 0) throw new ToolError(`build-image: ${done.error?.message ?? done.stderr}`);
  return done.stdout.trim().split('\n').at(-1)!;
}

/** A card with the image on it; of an image that is compressed, too. */
export function writeCard(image: string, card: string): void {
  if (image.endsWith('.xz')) tool('sh', '-c', 'xz -dc "$1" > "$2"', 'sh', image, card);
  else copyCard(image, card);
  truncateSync(card, CARD_BYTES);
}

/** Most of a card is nothing, and takes no room. */
export function copyCard(card: string, copy: string): void {
  tool('cp', '--sparse=always', card, copy);
}
