/**
 * Runs the system's own tools (`ip`, `nft`), never through a shell: arguments are passed as they are.
 */
import { execFile } from 'node:child_process';
import { Failure } from '../base/failure.ts';

/** Each tool with the Debian package that holds it. */
const PACKAGE_OF = {
  ip: 'iproute2',
  nft: 'nftables',
  dnsmasq: 'dnsmasq-base',
  systemctl: 'systemd',
  mount: 'mount',
  umount: 'mount',
  iw: 'iw',
  nmcli: 'network-manager',
  hostapd: 'hostapd',
  wpa_supplicant: 'wpasupplicant',
} as const;
export type Tool = keyof typeof PACKAGE_OF;

/** The tools answer within milliseconds; one that hangs must not hang the daemon's start. */
const TIMEOUT_MS = 15_000;
const MAX_OUTPUT_BYTES = 4 * 1024 * 1024;
/** Where Debian and OpenWrt keep them, for a daemon that was started with a user's PATH. */
const SYSTEM_PATH = '/usr/sbin:/usr/bin:/sbin:/bin';

export function toolEnvironment(): NodeJS.ProcessEnv {
  return { ...process.env, PATH: `${process.env.PATH ?? ''}:${SYSTEM_PATH}`, LC_ALL: 'C' };
}

/**
 * Runs a tool to its end and gives its standard output. `input` goes to its standard input.
 * @throws Failure system-tool (missing, or it ended with an error), not-permitted
 */
export function runTool(tool: Tool, args: readonly string[], input?: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = { env: toolEnvironment(), timeout: TIMEOUT_MS, maxBuffer: MAX_OUTPUT_BYTES };
    const child = execFile(tool, args, options, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else reject(toolFailure(tool, args, error, stderr));
    });
    // A tool that ends before it has read everything says why by its exit code.
    child.stdin?.on('error', () => {});
    child.stdin?.end(input ?? '');
  });
}

export function missingTool(tool: Tool): Failure {
  const name = PACKAGE_OF[tool];
  return new Failure('system-tool', `the program ${tool} is missing`, `Install it: apt-get install ${name}`);
}

function toolFailure(tool: Tool, args: readonly string[], error: Error, stderr: string): Failure {
  if ((error as NodeJS.ErrnoException).code === 'ENOENT') return missingTool(tool);
  const said = stderr.trim().split('\n')[0] || error.message;
  const command = [tool, ...args].join(' ');
  if (/not permitted|permission denied/i.test(stderr)) {
    const what = `no permission to change the network (${tool}: ${said})`;
    return new Failure('not-permitted', what, 'Run as root, or with the capability CAP_NET_ADMIN');
  }
  return new Failure('system-tool', `${command}: ${said}`, `See what ${tool} needs: man ${tool}`);
}
