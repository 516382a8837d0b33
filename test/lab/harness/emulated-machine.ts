/** A machine in QEMU, software only, in a namespace of the lab: switched on, listened to on its console, and cut from its power. */
import type { Host } from './lab.ts';
import type { LabProcess } from './lab-process.ts';
import { until } from './until.ts';

/** The last lines of the kernel tell what it was asked to do. */
const RESTART = /reboot: Restarting system/;
const SHOWN_LINES = 25;

/**
 * Of a machine whose clock counts instructions, 2 ns each: time in there passes as it works, however busy or often stopped the machine around
 * it is, and where it waits, time is skipped. It has one processor.
 */
export const OWN_TIME = ['-smp', '1', '-icount', 'shift=1,sleep=off', '-rtc', 'clock=vm'];

export class EmulatedMachine {
  readonly host: Host;
  private readonly program: string;
  private process: LabProcess | undefined;
  private lines: string[] = [];

  /** `program` is one of QEMU's. */
  constructor(host: Host, program: string) {
    this.host = host;
    this.program = program;
  }

  /** `args` say what it is made of. Its first serial port is the console; a restart switches it off. */
  powerOn(args: readonly string[]): void {
    this.lines = [];
    const common = ['-accel', 'tcg', '-nodefaults', '-display', 'none', '-serial', 'stdio', '-no-reboot'];
    const all = [...common, '-device', 'virtio-rng-pci', ...args];
    this.process = this.host.start('qemu', this.program, all, (line) => this.lines.push(line));
  }

  /** Resolves with the first match on the console since it was switched on. */
  async says(pattern: RegExp, deadlineMs: number): Promise<RegExpExecArray> {
    const find = () => {
      const found = this.lines.map((line) => pattern.exec(line)).find((match) => match !== null);
      if (found === undefined && !this.process?.running) throw new Error('it is off');
      return found;
    };
    return until(`${pattern.source} on the console`, deadlineMs, find, () => this.tail());
  }

  /** Resolves when it has ended by itself, with what it asked the firmware for. */
  async ends(deadlineMs: number): Promise<'off' | 'restart' | 'tryboot'> {
    await until(
      'the end of the machine',
      deadlineMs,
      () => !this.process?.running,
      () => this.tail(),
    );
    const restart = this.lines.findLast((line) => RESTART.test(line));
    if (restart === undefined) return 'off';
    return restart.includes("with command '0 tryboot'") ? 'tryboot' : 'restart';
  }

  async powerCut(): Promise<void> {
    await this.process?.kill();
  }

  tail(): string {
    return `--- last lines of the console\n${this.lines.slice(-SHOWN_LINES).join('\n')}\n${this.process?.tail() ?? ''}`;
  }
}
