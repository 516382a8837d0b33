/** Tells the demo's story: paragraphs, what was measured, and a progress line that overwrites itself on a terminal. */

/** Without a terminal there is nothing to overwrite: a line now and then is enough. */
const PLAIN_PROGRESS_EVERY_MS = 2_000;

export class Narrator {
  private readonly write: (text: string) => void;
  private readonly isTerminal: boolean;
  private lastPlainMs = 0;
  private progressShown = false;
  private step = 0;

  constructor(stream: NodeJS.WriteStream) {
    this.write = (text) => void stream.write(text);
    this.isTerminal = stream.isTTY === true;
  }

  heading(text: string): void {
    this.step++;
    this.line(`\n${this.step}. ${text}`);
  }

  line(text: string): void {
    if (this.progressShown) this.write('\n');
    this.progressShown = false;
    this.write(`${text}\n`);
  }

  /** `right` puts a mark in front that says how it went. */
  verdict(right: boolean, text: string): void {
    this.line(`   ${right ? 'ok  ' : 'FAIL'} ${text}`);
  }

  progress(text: string): void {
    if (this.isTerminal) {
      this.write(`\r\x1b[2K   ${text}`);
      this.progressShown = true;
      return;
    }
    if (performance.now() - this.lastPlainMs < PLAIN_PROGRESS_EVERY_MS) return;
    this.lastPlainMs = performance.now();
    this.write(`   ${text}\n`);
  }
}
