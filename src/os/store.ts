/**
 * Files of the state directory. A file is replaced as a whole: whoever reads it, also after a power cut, finds the old
 * bytes or the new ones, never half of them.
 */
import { mkdirSync, readFileSync } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Failure } from '../base/failure.ts';

/** Others may pass through to files that other users need (dnsmasq's), but not list. Secrets are closed by their own mode. */
const STATE_DIRECTORY_MODE = 0o711;
const PRIVATE = 0o600;
export const READABLE_BY_ALL = 0o644;

/**
 * Makes the directory and those above it if they are missing.
 * @throws Failure not-permitted, config-invalid
 */
export function ensureDirectory(path: string): void {
  try {
    mkdirSync(path, { recursive: true, mode: STATE_DIRECTORY_MODE });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') {
      throw new Failure('not-permitted', `cannot make ${path}: ${message}`, 'Run as root, or choose another directory');
    }
    throw new Failure('config-invalid', `cannot make ${path}: ${message}`, 'Choose another directory');
  }
}

/** Writes a temporary file beside `path`, makes sure that it is on disk, and renames it. Errors are the system's. */
export async function replaceFile(path: string, text: string, mode = PRIVATE): Promise<void> {
  const temporary = `${path}.new`;
  try {
    const file = await open(temporary, 'w', mode);
    try {
      // The mode above counts for new files only.
      await file.chmod(mode);
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  const directory = await open(dirname(path), 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

/**
 * A file of lines for a core object that may not wait: `save` returns at once, writes follow one another, and of several
 * that came while one was under way only the last is written.
 */
export class LineFile {
  private readonly path: string;
  private readonly onError: (error: Error) => void;
  private pending: string[] | undefined;
  private writing: Promise<void> | undefined;

  /** `onError` hears of a write that failed (disk full, read-only): worth a line in the log, no reason to stop. */
  constructor(directory: string, name: string, onError: (error: Error) => void) {
    this.path = join(directory, name);
    this.onError = onError;
  }

  /** No lines when there is no file. Other errors are the system's. */
  load(): string[] {
    try {
      return readFileSync(this.path, 'utf8')
        .split('\n')
        .filter((line) => line !== '');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
      throw error;
    }
  }

  save(lines: string[]): void {
    this.pending = lines;
    this.writing ??= this.write();
  }

  /** Resolves when everything saved so far is on disk. */
  async flush(): Promise<void> {
    await this.writing;
  }

  private async write(): Promise<void> {
    while (this.pending !== undefined) {
      const lines = this.pending;
      this.pending = undefined;
      try {
        await replaceFile(this.path, lines.map((line) => `${line}\n`).join(''));
      } catch (error) {
        this.onError(error as Error);
      }
    }
    this.writing = undefined;
  }
}
