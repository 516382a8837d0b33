/** The timer over the addon: Linux' timerfd, watched by the event loop like a socket. */
import type { Addon } from './addon.ts';

const MICROSECONDS_PER_MS = 1_000;

export class NativeTimer {
  private readonly addon: Addon;
  private readonly device: number;
  private isOpen = true;

  constructor(addon: Addon) {
    this.addon = addon;
    this.device = addon.timerOpen();
  }

  arm(delayMs: number): void {
    if (!this.isOpen) return;
    // Rounded up: who is woken early finds nothing to do and asks again.
    this.addon.timerArm(this.device, Math.ceil(delayMs * MICROSECONDS_PER_MS));
  }

  onDue(callback: () => void): void {
    this.addon.watch(this.device, callback);
  }

  close(): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    this.addon.close(this.device);
  }
}
