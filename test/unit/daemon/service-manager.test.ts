/**
 * A real unix datagram socket (socat) hears what the daemon says through the addon. systemd's own tool, which the portable data path
 * sends with, waits for an answer that only systemd gives: `lab deb` has both speak to a real one.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, watch } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ServiceManager } from '../../../src/daemon/service-manager.ts';
import { loadNative } from '../../../src/native/index.ts';
import { portableDatapath } from '../../../src/os/datapath.ts';

const native = loadNative();
const NATIVE = 'datapath' in native ? [native.datapath] : [];

let folder: string;
let socketPath: string;
let socat: ChildProcess;
let heard: string;
let warnings: string[];
const log = { write: (_level: string, event: string) => void warnings.push(event) };

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'skywire-notify-'));
  socketPath = join(folder, 'notify');
  heard = '';
  warnings = [];
  const made = new Promise<void>((resolve) => {
    const watcher = watch(folder, () => {
      if (!existsSync(socketPath)) return;
      watcher.close();
      resolve();
    });
  });
  socat = spawn('socat', ['-u', `UNIX-RECV:${socketPath}`, '-'], { stdio: ['ignore', 'pipe', 'inherit'] });
  await made;
});

afterEach(async () => {
  const exited = once(socat, 'exit');
  socat.kill();
  await exited;
  rmSync(folder, { recursive: true });
});

/** Resolves when `text` was heard so many times. */
async function hears(text: string, times = 1): Promise<void> {
  while (heard.split(text).length <= times) {
    const [bytes] = await once(socat.stdout!, 'data');
    heard += String(bytes);
  }
}

test.each(NATIVE)('systemd hears that the daemon is ready, that it lives, and that it stops', async (datapath) => {
  const environment = { NOTIFY_SOCKET: socketPath, WATCHDOG_USEC: '200000', WATCHDOG_PID: String(process.pid) };
  const manager = new ServiceManager(environment, datapath, log);
  const alive = hears('WATCHDOG=1', 2);
  await manager.ready();
  await alive;
  const stopped = hears('STOPPING=1');
  await manager.stopping();
  await stopped;
  expect(heard).toMatch(/^READY=1(WATCHDOG=1){2,}STOPPING=1$/);
  expect(warnings).toEqual([]);
});

test.each([portableDatapath, ...NATIVE])('$name: nobody listening is a warning and no more', async (datapath) => {
  const manager = new ServiceManager({ NOTIFY_SOCKET: join(folder, 'nobody') }, datapath, log);
  await manager.ready();
  await manager.stopping();
  expect(warnings).toEqual(['service-manager', 'service-manager']);
});

test("another process's watchdog is not fed, and without systemd nothing is said", async () => {
  const said: string[] = [];
  const datapath = { notify: (_path: string, text: string) => void said.push(text) };
  const environment = { NOTIFY_SOCKET: socketPath, WATCHDOG_USEC: '1', WATCHDOG_PID: String(process.pid + 1) };
  for (const surroundings of [environment, {}]) {
    const manager = new ServiceManager(surroundings, datapath, log);
    await manager.ready();
    await new Promise((resolve) => setImmediate(resolve));
    await manager.stopping();
  }
  expect(said).toEqual(['READY=1', 'STOPPING=1']);
});
