/** Updates of the Raspberry Pi image, good and bad ones, on a stick for the board of a lab. */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PROJECT_ROOT } from '../../../scripts/named-runs.ts';
import { buildImage } from './card-image.ts';
import { type Lab, tool } from './lab.ts';

export const IMAGE_PRODUCT = 'skywire-rpi-arm64';
const RELEASE = 'usr/share/skywire/image/release.json';

interface Release {
  readonly product: string;
  readonly version: number;
}

interface StubOptions {
  /** Private keys. */
  readonly by?: readonly string[];
  /** An option of scripts/sign-update. */
  readonly expires?: readonly string[];
}

const KEYS = [1, 2, 3];
const keyName = (number: number) => `update-${number}.pem`;

/** Makes update files of a system and of what is done to it. */
export class UpdateWorkshop {
  readonly stick: string;
  private readonly lab: Lab;
  private readonly folder: string;
  private readonly tree: string;
  readonly release: Release;
  /** A private key that no image knows. */
  readonly strangerKey: string;

  constructor(lab: Lab, folder: string, product: string = IMAGE_PRODUCT) {
    this.lab = lab;
    this.folder = folder;
    this.tree = lab.file('tree');
    this.stick = lab.file('updates');
    this.strangerKey = lab.file('stranger.pem');
    mkdirSync(this.stick);
    tool('openssl', 'genpkey', '-algorithm', 'ed25519', '-out', this.strangerKey);
    tool('unsquashfs', '-quiet', '-no-progress', '-dest', this.tree, join(folder, `${product}.system`));
    this.release = JSON.parse(readFileSync(join(this.tree, RELEASE), 'utf8'));
  }

  /** A whole system of a later version, with some files other than they were. */
  system(name: string, later: number, files: Readonly<Record<string, string>> = {}): void {
    const changed = Object.entries({ ...files, [RELEASE]: this.releaseText(later) });
    const before = changed.map(([path]) => [path, readFileSync(join(this.tree, path))] as const);
    for (const [path, text] of changed) writeFileSync(join(this.tree, path), text);
    this.pack(this.tree, name);
    for (const [path, bytes] of before) writeFileSync(join(this.tree, path), bytes);
    this.sign(name);
  }

  /** An update that is not going to be installed needs no system. */
  stub(name: string, later: number, options: StubOptions = {}): void {
    const tree = this.lab.file(`${name}-tree`);
    mkdirSync(join(tree, 'usr/share/skywire/image'), { recursive: true });
    writeFileSync(join(tree, RELEASE), this.releaseText(later));
    this.pack(tree, name);
    this.sign(name, options);
  }

  /** A file of the system as it is. */
  read(path: string): string {
    return readFileSync(join(this.tree, path), 'utf8');
  }

  /** A private key that the image knows; any two of them have to sign. */
  key(number: number): string {
    return join(this.folder, keyName(number));
  }

  /** By one signer, and then by another who has the system, too, as two people do in two places. */
  private sign(name: string, { by = [this.key(1), this.key(3)], expires = [] }: StubOptions = {}): void {
    const sign = (...options: string[]) =>
      tool(join(PROJECT_ROOT, 'scripts/sign-update'), '--system', this.lab.file(`${name}.system`), ...options);
    const out = join(this.stick, name);
    sign('--key', by[0], ...expires, '--out', out);
    for (const key of by.slice(1)) {
      const made = this.lab.file(`${name}.update`);
      renameSync(out, made);
      sign('--key', key, '--add', made, '--out', out);
    }
  }

  /** A disk with all that was made, for the board to mount. */
  pressStick(): string {
    const disk = this.lab.file('stick-disk');
    tool('mksquashfs', this.stick, disk, '-noI', '-noD', '-noF', '-no-progress', '-quiet');
    return disk;
  }

  private releaseText(later: number): string {
    return `${JSON.stringify({ ...this.release, version: this.release.version + later })}\n`;
  }

  private pack(tree: string, name: string): void {
    const fast = ['-comp', 'zstd', '-Xcompression-level', '1', '-b', '256K', '-noappend', '-no-progress', '-quiet'];
    tool('mksquashfs', tree, this.lab.file(`${name}.system`), ...fast);
  }
}

/** A folder with the image, its system and the keys two of which its updates are signed with. */
export function prepareUpdates(lab: Lab, product: string = IMAGE_PRODUCT): string {
  const folder = lab.file('image');
  mkdirSync(folder);
  const keys = KEYS.map((number) => join(folder, keyName(number)));
  for (const key of keys) {
    tool('openssl', 'genpkey', '-algorithm', 'ed25519', '-out', key);
    tool('openssl', 'pkey', '-in', key, '-pubout', '-out', `${key}.pub`);
  }
  const signers = [...keys.flatMap((key) => ['--update-key', `${key}.pub`]), '--update-threshold', '2'];
  buildImage(folder, '--arch', product.split('-').at(-1)!, ...signers);
  return folder;
}
