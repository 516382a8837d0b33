/**
 * A program that runs as long as it is wanted: started in the foreground, ready when it prints a certain line, ended when it is not wanted any
 * more. What happens when it ends by itself is up to whoever wanted it.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Log } from '../base/env.ts';
import { Failure } from '../base/failure.ts';
import { missingTool, type Tool, toolEnvironment } from './command.ts';

/** Then it is killed. */
const END_MS = 3_000;

/** How the lines of a program are to be taken. */
export interface ChildLines {
  /** As if it had ended, once it was ready. */
  readonly failure?: RegExp;
  /** Why it does not start, by the last line that it printed. */
  readonly explain?: (line: string) => Failure;
}

export class Child {
  private readonly tool: Tool;
  private readonly log: Log;
  private readonly ended: (reason: string) => void;
  private readonly lines: ChildLines;
  private process: ChildProcess | undefined;

  /** `ended` is called when a program that was ready ends by itself, or prints a line of failure. */
  constructor(tool: Tool, log: Log, ended: (reason: string) => void, lines: ChildLines = {}) {
    this.tool = tool;
    this.log = log;
    this.ended = ended;
    this.lines = lines;
  }

  /**
   * Resolves when it prints a line that `ready` matches.
   * @throws Failure system-tool: it is missing, ended, or was not ready in time; then it does not run
   */
  start(args: readonly string[], ready: RegExp, withinMs: number): Promise<void> {
    const child = spawn(this.tool, args, { env: toolEnvironment(), stdio: ['ignore', 'pipe', 'pipe'] });
    this.process = child;
    let lastLine = '';
    let isReady = false;
    return new Promise((resolve, reject) => {
      const giveUp = (failure: Failure): void => {
        clearTimeout(timer);
        if (this.process === child) this.process = undefined;
        reject(failure);
      };
      const timer = setTimeout(() => {
        child.kill('SIGKILL');
        giveUp(this.explain(`not ready within ${withinMs / 1000} s: ${lastLine}`));
      }, withinMs);
      const hear = (line: string): void => {
        lastLine = line;
        this.log.write('debug', this.tool, { line });
        if (!isReady && ready.test(line)) {
          isReady = true;
          clearTimeout(timer);
          resolve();
        } else if (isReady && this.process === child && this.lines.failure?.test(line)) this.ended(line);
      };
      for (const stream of [child.stdout, child.stderr]) createInterface({ input: stream }).on('line', hear);
      child.on('error', () => giveUp(missingTool(this.tool)));
      // `close` comes after the last line, `exit` may come before it.
      child.on('close', (code, signal) => {
        const wanted = this.process === child;
        giveUp(this.explain(lastLine || `it ended with ${signal ?? code}`));
        if (wanted && isReady) this.ended(`${this.tool} ended with ${signal ?? code}: ${lastLine}`);
      });
    });
  }

  signal(name: NodeJS.Signals): void {
    this.process?.kill(name);
  }

  /** Resolves when it does not run any more. */
  async stop(): Promise<void> {
    const { process: child } = this;
    this.process = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), END_MS);
    await gone;
    clearTimeout(timer);
  }

  private explain(said: string): Failure {
    if (this.lines.explain !== undefined) return this.lines.explain(said);
    return new Failure('system-tool', `${this.tool} does not start: ${said}`, `See what it says: skywired --verbose`);
  }
}
