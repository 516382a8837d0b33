/**
 * Clean Debian systems to install into: made once with mmdebstrap, kept in a cache, and never written to again (test/lab/harness/container.ts
 * lays its changes over them). What the package depends on lies in apt's cache, not installed: a container has no way
 * to a mirror, and apt has to find it all the same.
 */
import { existsSync, globSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { tool } from './lab.ts';

const CACHE = '/var/cache/skywire/lab-roots';
/** Raised when what is in a root changes. */
const ROOT_VERSION = 1;

export const DEBIAN_SUITES = { 12: 'bookworm', 13: 'trixie' } as const;
export type DebianRelease = keyof typeof DEBIAN_SUITES;

/** The folder of a clean root. Making it takes a minute and the mirror that this machine's own sources name. */
export function debianRoot(release: DebianRelease, dependencies: readonly string[]): string {
  const suite = DEBIAN_SUITES[release];
  const root = join(CACHE, `${suite}-${ROOT_VERSION}`);
  if (existsSync(root)) return root;
  mkdirSync(CACHE, { recursive: true, mode: 0o755 });
  const unfinished = `${root}.${process.pid}`;
  rmSync(unfinished, { recursive: true, force: true });
  const downloads = `chroot "$1" apt-get install --yes --download-only ${dependencies.join(' ')}`;
  const options = ['--mode=root', '--variant=minbase', '--components=main', '--include=systemd-sysv,dbus'];
  // Without Recommends, as a small system is set up; its package lists are needed.
  const apt = ['--aptopt=APT::Install-Recommends "false"', '--skip=cleanup/apt', `--customize-hook=${downloads}`];
  tool('mmdebstrap', ...options, ...apt, suite, unfinished, ...mirrorLines(suite));
  renameSync(unfinished, root);
  return root;
}

/** As this machine gets its packages; none leaves the choice to mmdebstrap. */
function mirrorLines(suite: string): string[] {
  for (const file of globSync('/etc/apt/sources.list.d/*.sources')) {
    const uri = /^URIs: *(\S+\/debian\/?)$/m.exec(readFileSync(file, 'utf8'))?.[1];
    if (uri !== undefined) return [`deb ${uri} ${suite} main`];
  }
  return [];
}
