/** tcpdump on one interface of one host. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import type { Host, Lab } from './lab.ts';
import type { LabProcess } from './lab-process.ts';
import { type CapturedPacket, readPcap } from './pcap.ts';
import { until } from './until.ts';

const START_DEADLINE_MS = 10_000;
const FLUSH_DEADLINE_MS = 5_000;

export class Capture {
  private readonly file: string;
  private readonly process: LabProcess;

  private constructor(file: string, process: LabProcess) {
    this.file = file;
    this.process = process;
  }

  /** Resolves once tcpdump listens: nothing sent after that is missed. `filter` is in tcpdump's language. */
  static async start(lab: Lab, host: Host, device: string, filter = ''): Promise<Capture> {
    const name = `capture-${device}-${Math.round(performance.now())}`;
    const file = lab.file(`${host.name}-${name}.pcap`);
    // -Z root: the file is in our own directory, which tcpdump's own user can't write.
    // Immediately: a packet that the kernel still holds back when tcpdump ends would be missed.
    const args = [
      '-i',
      device,
      '--immediate-mode',
      '-n',
      '-U',
      '-s',
      '0',
      '-Z',
      'root',
      '-w',
      file,
      ...(filter ? [filter] : []),
    ];
    const process = host.start(name, 'tcpdump', args);
    const listening = () =>
      existsSync(process.logFile) && readFileSync(process.logFile, 'utf8').includes('listening on');
    await until(`tcpdump on ${host.name} ${device}`, START_DEADLINE_MS, listening, () => process.tail());
    return new Capture(file, process);
  }

  /** What was captured so far. */
  packets(): CapturedPacket[] {
    return readPcap(readFileSync(this.file));
  }

  /** Ends the capture; tcpdump writes out what it still holds. */
  async stop(): Promise<CapturedPacket[]> {
    await this.process.stop();
    return this.packets();
  }

  /** Resolves with the first packet that fits: proof that the capture sees what passes. */
  async waitFor(what: string, fits: (packet: CapturedPacket) => boolean, deadlineMs = FLUSH_DEADLINE_MS) {
    return until(what, deadlineMs, () => (statSync(this.file).size > 0 ? this.packets().find(fits) : undefined));
  }
}
