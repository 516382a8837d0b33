/**
 * The offload device of a configuration: the cipher on it, what `skywire status` shows of it, and a line in the log whenever it
 * fails or is taken back. The cipher notices such things inside a batch, where nothing is logged; so this looks once a second.
 */
import type { Log } from '../base/env.ts';
import type { Config } from '../control/config.ts';
import type { Result } from '../control/schema.ts';
import { OFFLOAD_DEFAULTS, type OffloadCipher, type OffloadStatus } from '../crypto/offload-cipher.ts';
import type { Datapath } from '../os/datapath.ts';

const LOOK_MS = 1_000;

export class OffloadSide {
  readonly cipher: OffloadCipher;
  private readonly device: string;
  private readonly log: Log;
  private readonly timer: NodeJS.Timeout;
  private seen: OffloadStatus;

  constructor(device: string, cipher: OffloadCipher, log: Log) {
    this.device = device;
    this.cipher = cipher;
    this.log = log;
    this.seen = cipher.status();
    this.announce(this.seen);
    this.timer = setInterval(() => this.look(), LOOK_MS);
  }

  stop(): void {
    clearInterval(this.timer);
    this.cipher.close();
  }

  status(): Result<'status'>['offload'] {
    const status = this.cipher.status();
    return {
      device: this.device,
      state: status.up ? 'up' : 'down',
      last_failure: status.lastFailure === 'none' ? null : status.lastFailure,
      failures: Object.fromEntries(Object.entries(status.failures).filter(([, count]) => count > 0)),
      times_up: status.timesUp,
      sealed: status.sealed,
      opened: status.opened,
      wrong_tags: status.wrongTags,
      software: {
        down: status.softwareDown,
        small_batch: status.softwareSmallBatch,
        shape: status.softwareShape,
        no_slot: status.softwareNoSlot,
        ring_full: status.softwareRingFull,
      },
      redone: status.redone,
      checked: status.checked,
      self_tests: status.selfTests,
      keys_loaded: status.keysLoaded,
      key_loads: status.keyLoads,
    };
  }

  private look(): void {
    const { seen } = this;
    const status = this.cipher.status();
    this.seen = status;
    const failed = Object.keys(status.failures).some(
      (reason) => status.failures[reason] > (seen.failures[reason] ?? 0),
    );
    if (failed || status.up !== seen.up || status.timesUp !== seen.timesUp) this.announce(status);
  }

  private announce({ up, lastFailure, redone, leastBatch }: OffloadStatus): void {
    const { device } = this;
    if (up) this.log.write('info', 'offload up', { device, leastBatch, lastFailure });
    else this.log.write('warn', 'offload down', { device, reason: lastFailure, redone });
  }
}

/** Undefined without an [offload] table, or, with a word about it, on the portable data path. */
export function openOffloadSide(config: Config, datapath: Datapath, log: Log): OffloadSide | undefined {
  if (config.offload === undefined) return undefined;
  const { device, leastBatch } = config.offload;
  if (datapath.openOffload === undefined) {
    log.write('warn', 'offload down', { device, reason: 'the portable data path has no way to a device' });
    return undefined;
  }
  const cipher = datapath.openOffload(device, {
    ...OFFLOAD_DEFAULTS,
    leastBatch: leastBatch ?? OFFLOAD_DEFAULTS.leastBatch,
  });
  return new OffloadSide(device, cipher, log);
}
