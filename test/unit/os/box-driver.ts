/** Runs box.ts in a namespace and talks to it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';

export class Box {
  private readonly child: ChildProcess;
  private readonly lines: Interface;
  private readonly answers: string[] = [];
  private readonly events: string[] = [];
  private readonly exited: Promise<unknown>;
  private wakeUp: () => void = () => {};

  constructor(namespace: string, directory: string, ...args: string[]) {
    const program = [process.execPath, join(import.meta.dirname, 'box.ts'), directory, ...args];
    this.child = spawn('ip', ['netns', 'exec', namespace, ...program], { stdio: ['pipe', 'pipe', 'inherit'] });
    this.exited = once(this.child, 'exit');
    const { stdout } = this.child;
    if (stdout === null) throw new Error('no output to read');
    this.lines = createInterface({ input: stdout });
    this.lines.on('line', (line) => {
      (line.startsWith('log ') ? this.events : this.answers).push(line);
      this.wakeUp();
    });
  }

  /** Does one action of box.ts; gives its answer. */
  async do(action: string): Promise<string> {
    this.child.stdin?.write(`${action}\n`);
    while (this.answers.length === 0) await this.line();
    return this.answers.shift() ?? '';
  }

  /** Resolves when a line of the log holds the text; lines before it are gone then. */
  async logged(text: string): Promise<string> {
    for (;;) {
      for (let event = this.events.shift(); event !== undefined; event = this.events.shift()) {
        if (event.includes(text)) return event;
      }
      await this.line();
    }
  }

  /** As `kill -9` does it. */
  async kill(): Promise<void> {
    this.child.kill('SIGKILL');
    await this.exited;
  }

  private line(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.wakeUp = resolve;
      this.exited.then(() => reject(new Error('the box has ended')));
    });
  }
}
