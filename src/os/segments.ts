/** The segments of this box for the core: which there are, what is heard on them, and a way to call into them. */
import type { Log } from '../base/env.ts';
import type { BeaconPort } from '../discovery/ports.ts';
import type { Segment, SegmentId } from '../discovery/segment.ts';
import { BeaconSockets } from './beacon-sockets.ts';
import type { LocalAddress } from './datapath.ts';
import { SegmentWatch } from './segment-watch.ts';

export interface SegmentsOptions {
  /** Names of interfaces; undefined: all but `except`. */
  readonly interfaces: readonly string[] | undefined;
  readonly except: readonly string[];
  /** The sockets of the links. */
  readonly local: readonly LocalAddress[];
  readonly log: Log;
}

export interface SegmentEvents {
  changed(segments: readonly Segment[]): void;
  heard(segment: SegmentId, endpoint: Uint8Array, beacon: Uint8Array): void;
}

export class Segments implements BeaconPort {
  private readonly options: SegmentsOptions;
  private watch: SegmentWatch | undefined;
  private sockets: BeaconSockets | undefined;

  constructor(options: SegmentsOptions) {
    this.options = options;
  }

  start(events: SegmentEvents): void {
    const { log } = this.options;
    const sockets = new BeaconSockets({ log, heard: events.heard });
    this.sockets = sockets;
    this.watch = new SegmentWatch({
      ...this.options,
      changed: (present) => {
        log.write('info', 'segments', { interfaces: present.map(({ name }) => name).join(' ') });
        sockets.setSegments(present);
        events.changed(present);
      },
    });
    this.watch.start();
  }

  send(segment: SegmentId, beacon: Uint8Array): void {
    this.sockets?.send(segment, beacon);
  }

  close(): void {
    this.watch?.stop();
    this.sockets?.close();
  }
}
