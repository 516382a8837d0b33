/**
 * Ends the process when one case takes too long. A case that never returns blocks its thread, so a second one looks at
 * the case number in shared memory.
 */
import { Worker } from 'node:worker_threads';

/** Far beyond any case, also on a busy machine. */
const HANG_MS = 30_000;

export interface HangWatch {
  /** Tells that this case begins. */
  begins(number: number): void;
  stop(): Promise<void>;
}

export type StartHangWatch = (name: string, replay: string) => HangWatch;

/** `replay`: the command without its last argument, the number of cases. */
export function watchForHang(name: string, replay: string): HangWatch {
  const current = new Int32Array(new SharedArrayBuffer(4));
  const worker = new Worker(new URL('./hang-watch-thread.ts', import.meta.url), {
    workerData: { current, name, replay, hangMs: HANG_MS },
  });
  worker.unref();
  return {
    begins: (number) => Atomics.store(current, 0, number),
    stop: async () => {
      await worker.terminate();
    },
  };
}
