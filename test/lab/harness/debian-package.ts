/** The Debian package of the tree as it stands, built by scripts/build-deb into a lab's folder. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { PROJECT_ROOT } from '../../../scripts/named-runs.ts';
import { ToolError, tool } from './lab.ts';

/** What the package depends on, by the names in packaging/debian/control.in. */
export function packageDependencies(control: string): string[] {
  const line = /^Depends: (.*)$/m.exec(control)![1];
  return line.split(',').map((entry) =>
    entry
      .split('|')[0]
      .replace(/\(.*\)/, '')
      .trim(),
  );
}

/** Builds `version` for `arch`, or this machine's, and returns its path. `tree` is the project's folder, or a copy of it. */
export function buildPackage(folder: string, version: string, { tree = PROJECT_ROOT, arch = '' } = {}): string {
  const epoch = tool('git', '-C', PROJECT_ROOT, 'log', '-1', '--format=%ct').trim();
  const args = ['--fast', '--version', version, '--out', folder, ...(arch === '' ? [] : ['--arch', arch])];
  const done = spawnSync(join(tree, 'scripts/build-deb'), args, {
    encoding: 'utf8',
    env: { ...process.env, SOURCE_DATE_EPOCH: epoch },
  });
  if (done.status !== 0) throw new ToolError(`build-deb: ${done.error?.message ?? done.stderr}`);
  return done.stdout.trim().split('\n').at(-1)!;
}

/** A copy of what git tracks or would track, at another path, without git's own folder. */
export function copyTree(folder: string): string {
  mkdirSync(folder);
  const list = 'git ls-files -z --cached --others --exclude-standard | xargs -0 cp --parents -t "$1"';
  tool('sh', '-c', `cd "$2" && ${list}`, 'sh', folder, PROJECT_ROOT);
  symlinkSync(join(PROJECT_ROOT, 'node_modules'), join(folder, 'node_modules'));
  return folder;
}

/** Where Debian's cross packages lay arm64's C library. */
const ARM64_LIBRARIES = '/usr/aarch64-linux-gnu';

/**
 * Unpacks an arm64 package into `folder` and runs its Node under user-mode emulation: the bundle makes a key, the addon
 * loads and has its curve. Returns what did not.
 */
export function tryArm64(file: string, folder: string): string[] {
  tool('dpkg-deb', '--extract', file, folder);
  const lib = join(folder, 'usr/lib/skywire');
  const node = (...args: string[]) =>
    tool('qemu-aarch64-static', '-L', ARM64_LIBRARIES, join(lib, 'node'), ...args).trim();
  const wrong: string[] = [];
  const made = JSON.parse(node(join(lib, 'skywired.mjs'), 'keygen', '--json'));
  if (!/^0[23][0-9a-f]{64}$/.test(made.key)) wrong.push(`keygen says ${JSON.stringify(made)}`);
  const load = `console.log(process.arch, typeof require(${JSON.stringify(join(lib, 'skywire-arm64.node'))}).ecdh)`;
  const loaded = node('--eval', load);
  if (loaded !== 'arm64 function') wrong.push(`the addon says ${loaded}`);
  return wrong;
}
