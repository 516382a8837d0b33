/**
 * Bad cables: pairs of TAP devices with the impairment program (test/lab/impair) between them. One program serves all cables of
 * a lab; their settings change while traffic runs.
 */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { cProgram } from './c-program.ts';
import type { Lab, Plug } from './lab.ts';
import { until } from './until.ts';

const START_DEADLINE_MS = 10_000;

/** Of one direction; what is not named stays as it is. The fields of `struct settings` in impair/direction.h. */
export interface CableSettings {
  /** Of whole Ethernet frames, 14-byte header included, as the kernel's shapers count; 0: as fast as the machine. */
  readonly rateMbit?: number;
  /** What the modem holds before it drops. */
  readonly queueBytes?: number;
  readonly delayMs?: number;
  /** To either side, evenly; frames keep their order. */
  readonly jitterMs?: number;
  /** Share of frames lost one by one. */
  readonly loss?: number;
  /** Losses in a row (Gilbert-Elliott): the mean length of a run, and the share of all frames that runs take. */
  readonly bursts?: { readonly meanFrames: number; readonly share: number };
  /** Share of frames that are held back for so long, and overtaken. */
  readonly reorder?: { readonly share: number; readonly ms: number };
  /** False: nothing passes, and nobody is told. */
  readonly on?: boolean;
}

export interface DirectionStats {
  readonly seconds: number;
  readonly frames: number;
  readonly bytes: number;
  readonly passedFrames: number;
  readonly passedBytes: number;
  readonly droppedOff: number;
  readonly droppedQueue: number;
  readonly droppedLoss: number;
  readonly reordered: number;
  readonly queueMaxBytes: number;
  readonly queueMeanBytes: number;
  /** Share of the time in which the rate was sending. */
  readonly busyShare: number;
}

export interface CableStats {
  readonly ab: DirectionStats;
  readonly ba: DirectionStats;
}

/** How well the program itself keeps up. Late: behind the moment at which a frame was due. */
export interface ImpairmentHealth {
  readonly lateP50Us: number;
  readonly lateP99Us: number;
  readonly lateMaxUs: number;
  readonly cpuSeconds: number;
  readonly refusedByKernel: number;
  readonly outOfMemory: number;
}

export type Way = 'ab' | 'ba' | 'both';

export class Cable {
  private readonly impairment: Impairment;
  private readonly name: string;

  constructor(impairment: Impairment, name: string) {
    this.impairment = impairment;
    this.name = name;
  }

  async set(way: Way, settings: CableSettings): Promise<void> {
    const words = settingWords(settings);
    if (words.length > 0) await this.impairment.ask(`set ${this.name} ${way} ${words.join(' ')}`);
  }

  async stats(): Promise<CableStats> {
    return (await this.impairment.ask(`stats ${this.name}`)) as CableStats;
  }
}

export class Impairment {
  private readonly socket: Socket;
  private readonly waiting: ((line: string) => void)[] = [];
  private cables = 0;

  private constructor(socket: Socket) {
    this.socket = socket;
    createInterface({ input: socket }).on('line', (line) => this.waiting.shift()?.(line));
  }

  /** Starts the program on a host of its own, whose end is the lab's; `seed` decides which frames are lost. */
  static async start(lab: Lab, seed: number): Promise<Impairment> {
    const path = lab.file('impair.sock');
    const program = lab.addHost('impair').start('impair', cProgram('impair'), [path, String(seed)]);
    const socket = await until(
      'the impairment program',
      START_DEADLINE_MS,
      async () => {
        const attempt = connect(path);
        await once(attempt, 'connect');
        return attempt;
      },
      () => program.tail(),
    );
    // It ends with the lab, whatever it was asked last.
    socket.on('error', () => {});
    socket.unref();
    return new Impairment(socket);
  }

  /** Sends a command (impair/commands.h); throws Error with what the program says against it. */
  async ask(command: string): Promise<unknown> {
    const answered = new Promise<string>((resolve) => this.waiting.push(resolve));
    this.socket.write(`${command}\n`);
    const answer = JSON.parse(await answered);
    if (answer.error) throw new Error(`impair: ${command}: ${answer.error}`);
    return answer;
  }

  /**
   * Lays an impaired IPv4 cable between two hosts and brings both ends up. Each end knows the other's hardware address for good:
   * what a lost ARP answer costs is not what a lab measures.
   */
  async connect(a: Plug, b: Plug, settings: CableSettings = {}): Promise<Cable> {
    const number = ++this.cables;
    const cable = new Cable(this, `cable-${number}`);
    const ends = [a, b].map((plug) => `${plug.host.namespace} ${plug.device}`);
    await this.ask(`cable cable-${number} ${ends.join(' ')}`);
    await cable.set('both', settings);
    const hardware = (end: number) => `02:00:00:00:${number.toString(16).padStart(2, '0')}:0${end}`;
    for (const [index, plug] of [a, b].entries()) {
      const { host, device } = plug;
      host.sysctl(`net.ipv6.conf.${device}.disable_ipv6`, 1);
      host.run('ip', 'link', 'set', 'dev', device, 'address', hardware(index));
      host.addAddress(device, ...(plug.addresses ?? []));
      host.setLink(device, 'up');
      for (const address of (index === 0 ? b : a).addresses ?? []) {
        const neighbour = ['lladdr', hardware(1 - index), 'nud', 'permanent'];
        host.run('ip', 'neigh', 'replace', address.split('/')[0], 'dev', device, ...neighbour);
      }
    }
    return cable;
  }

  /** All counters start anew. */
  async reset(): Promise<void> {
    await this.ask('reset');
  }

  async health(): Promise<ImpairmentHealth> {
    return (await this.ask('health')) as ImpairmentHealth;
  }
}

/** In the program's own keys and units. */
function settingWords(settings: CableSettings): string[] {
  const { bursts, reorder } = settings;
  const burstLeave = bursts && 1 / bursts.meanFrames;
  const words: Readonly<Record<string, number | undefined>> = {
    rate_bits: settings.rateMbit && settings.rateMbit * 1e6,
    queue_bytes: settings.queueBytes,
    delay_us: settings.delayMs === undefined ? undefined : settings.delayMs * 1_000,
    jitter_us: settings.jitterMs === undefined ? undefined : settings.jitterMs * 1_000,
    loss: settings.loss,
    // Of a two-state chain: the share of the bad state is enter / (enter + leave).
    burst_enter: bursts && (burstLeave! * bursts.share) / (1 - bursts.share),
    burst_leave: burstLeave,
    reorder: reorder?.share,
    reorder_us: reorder && reorder.ms * 1_000,
    on: settings.on === undefined ? undefined : Number(settings.on),
  };
  return Object.entries(words).flatMap(([key, value]) => (value === undefined ? [] : [key, String(value)]));
}
