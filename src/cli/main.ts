/** `skywire`: runs one command and ends with its exit code (docs/exit-codes.md). */
import { styleText } from 'node:util';
import { CommanderError } from 'commander';
import { EXIT_CODES, Failure } from '../base/failure.ts';
import { createProgram, type Terminal } from './program.ts';

const terminal: Terminal = {
  isTerminal: process.stdout.isTTY === true,
  // Looks at the stream and at NO_COLOR by itself.
  paint: (style, text) => styleText(style, text, { stream: process.stdout }),
  print: (text) => void process.stdout.write(text),
  printError: (text) => void process.stderr.write(text),
  setExitCode: (code) => {
    process.exitCode = code;
  },
};

// `skywire status | head -1`: who reads has seen enough.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  process.exit(error.code === 'EPIPE' ? EXIT_CODES.ok : EXIT_CODES.failed);
});

try {
  await createProgram(terminal).parseAsync(process.argv);
} catch (error) {
  process.exitCode = explain(error);
}

function explain(error: unknown): number {
  // Commander has printed the help or its complaint already.
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT_CODES.ok : EXIT_CODES.usage;
  if (error instanceof Failure) {
    terminal.printError(`skywire: ${error.message}. ${error.remedy}\n`);
    return error.exitCode;
  }
  throw error;
}
