/** How long the image's button was held, by its own script, with events as the kernel writes them. Seconds are as short as its clock allows. */
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, onTestFinished, test } from 'vitest';

const SCRIPT = join(import.meta.dirname, '../../../image/root/usr/lib/skywire/image/hold');
const [KEEP_S, NEW_S, NOTHING_S] = [1, 2, 3];
const [EV_SYN, EV_KEY] = [0, 1];
const [KEY_A, KEY_RESTART, KEY_WPS_BUTTON] = [30, 408, 529];
const [UP, DOWN, REPEATED] = [0, 1, 2];

class Button {
  private readonly script: ChildProcess;
  private readonly words: AsyncIterator<string>;

  constructor() {
    const times = [KEEP_S, NEW_S, NOTHING_S].map(String);
    // A process group: what it started and left sleeping goes with it.
    this.script = spawn('sh', [SCRIPT, ...times], { stdio: ['pipe', 'pipe', 'inherit'], detached: true });
    this.words = createInterface({ input: this.script.stdout! })[Symbol.asyncIterator]();
    onTestFinished(() => void process.kill(-this.script.pid!, 'SIGKILL'));
  }

  /** struct input_event of a 64-bit kernel: 16 bytes of time, type, code, value; each key has an EV_SYN behind it. */
  send(value: number, code = KEY_RESTART): void {
    for (const fields of [
      [EV_KEY, code, value],
      [EV_SYN, 0, 0],
    ]) {
      const event = Buffer.alloc(24);
      event.writeUInt16LE(fields[0], 16);
      event.writeUInt16LE(fields[1], 18);
      event.writeInt32LE(fields[2], 20);
      this.script.stdin!.write(event);
    }
  }

  async says(...expected: string[]): Promise<void> {
    for (const word of expected) expect((await this.words.next()).value).toBe(word);
  }
}

test('let go at once it means nothing, then with the same key, then with another, each as announced', async () => {
  const button = new Button();
  await button.says('ready');
  button.send(DOWN);
  button.send(UP);
  await button.says('released');
  button.send(DOWN);
  await button.says('keep');
  button.send(REPEATED);
  button.send(UP);
  await button.says('reset-keep-identity');
  button.send(DOWN, KEY_WPS_BUTTON);
  await button.says('keep', 'new');
  button.send(UP, KEY_WPS_BUTTON);
  await button.says('reset-new-identity');
}, 20_000);

test('held for too long it means nothing', async () => {
  const button = new Button();
  await button.says('ready');
  button.send(DOWN);
  await button.says('keep', 'new', 'nothing');
  button.send(UP);
  await button.says('released');
}, 20_000);

test('what is down from the beginning was not pressed, and other keys are none of it', async () => {
  const button = new Button();
  button.send(DOWN);
  await button.says('ready');
  button.send(UP);
  button.send(DOWN, KEY_A);
  button.send(UP, KEY_A);
  button.send(DOWN);
  button.send(UP);
  await button.says('released');
}, 20_000);
