/**
 * The log: one event, one line on standard error, `level event key=value ...`. systemd and procd add the time. Repeated events are the
 * caller's to limit; what is counted (drops) is not logged one by one.
 */
import type { Log, LogFields, LogLevel } from '../base/env.ts';

const RANK: Readonly<Record<LogLevel, number>> = { debug: 0, info: 1, warn: 2, error: 3 };
const PLAIN = /^[\w.:/%@+-]+$/;

export class LineLog implements Log {
  private readonly least: number;
  private readonly print: (line: string) => void;

  constructor(least: LogLevel, print: (line: string) => void) {
    this.least = RANK[least];
    this.print = print;
  }

  write(level: LogLevel, event: string, fields: LogFields = {}): void {
    if (RANK[level] < this.least) return;
    const parts = Object.entries(fields).map(([key, value]) => `${key}=${quoted(String(value))}`);
    this.print(`${[level, event, ...parts].join(' ')}\n`);
  }
}

/** JSON's quotes keep a value on its line whatever it holds. */
function quoted(text: string): string {
  return PLAIN.test(text) ? text : JSON.stringify(text);
}
