/** Cuts a byte stream into lines of bounded length. */
import { MAX_LINE_BYTES } from './envelope.ts';

const NEWLINE = 10;
const decoder = new TextDecoder();

export class LineReader {
  /** Bytes of a line whose end has not come yet. */
  private readonly pending = new Uint8Array(MAX_LINE_BYTES);
  private length = 0;

  /**
   * The lines that these bytes complete, without their newlines; bytes that are not UTF-8 become U+FFFD. Undefined when a
   * line is longer than MAX_LINE_BYTES: the stream can't be trusted from there on and the reader must not be used again.
   */
  push(bytes: Uint8Array): string[] | undefined {
    const lines: string[] = [];
    let from = 0;
    for (;;) {
      const end = bytes.indexOf(NEWLINE, from);
      const piece = bytes.subarray(from, end === -1 ? bytes.length : end);
      if (this.length + piece.length > MAX_LINE_BYTES) return undefined;
      this.pending.set(piece, this.length);
      this.length += piece.length;
      if (end === -1) return lines;
      lines.push(decoder.decode(this.pending.subarray(0, this.length)));
      this.length = 0;
      from = end + 1;
    }
  }
}
