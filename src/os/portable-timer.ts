/** The timer on Node.js' own, which counts whole milliseconds. */

export class PortableTimer {
  private timer: NodeJS.Timeout | undefined;
  private callback: () => void = () => {};

  arm(delayMs: number): void {
    clearTimeout(this.timer);
    // Rounded up: who is woken early finds nothing to do and asks for another millisecond.
    this.timer = setTimeout(() => this.callback(), Math.ceil(delayMs));
  }

  onDue(callback: () => void): void {
    this.callback = callback;
  }

  close(): void {
    clearTimeout(this.timer);
  }
}
