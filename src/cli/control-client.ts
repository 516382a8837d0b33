/** Asks the daemon: one request, one answer, one connection. */
import { createConnection } from 'node:net';
import * as v from 'valibot';
import { EXIT_CODES, Failure, type FailureCode } from '../base/failure.ts';
import { readResponse, requestLine } from '../control/envelope.ts';
import { LineReader } from '../control/line-reader.ts';
import { longestAnswerMs, METHODS, type MethodName, type Params, type Result } from '../control/schema.ts';

const REQUEST_ID = 1;
/** The daemon reports a handler that hangs by itself; this much later it is the daemon that hangs. */
const SPARE_MS = 2000;

export interface Answer<Method extends MethodName> {
  readonly result: Result<Method>;
  /** As the daemon sent it, with keys that this program may not know yet: what `--json` prints. */
  readonly raw: unknown;
}

/**
 * @throws Failure not-running, not-permitted, or whatever failed in the daemon
 */
export async function ask<Method extends MethodName>(
  socketPath: string,
  method: Method,
  params: v.InferInput<(typeof METHODS)[Method]['params']>,
): Promise<Answer<Method>> {
  const checked = v.safeParse(METHODS[method].params, params);
  if (!checked.success) {
    const [issue] = checked.issues;
    const [command] = method.split('.');
    throw new Failure('usage', `${v.getDotPath(issue)} ${issue.message}`, `See \`skywire ${command} --help\``);
  }
  const call = { method, params: checked.output as Params<Method> };
  const waitMs = longestAnswerMs(call as Parameters<typeof longestAnswerMs>[0]) + SPARE_MS;
  const response = readResponse(await exchange(socketPath, requestLine(REQUEST_ID, method, checked.output), waitMs));
  if (response !== undefined && 'error' in response) throw failureOf(response.error);
  if (response === undefined || response.id !== REQUEST_ID) throw notUnderstood();
  const result = v.safeParse(METHODS[method].result, response.result);
  if (!result.success) throw notUnderstood();
  return { result: result.output as Result<Method>, raw: response.result };
}

/** Sends the line and returns the first line that comes back. */
function exchange(socketPath: string, line: string, waitMs: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = createConnection(socketPath);
    const reader = new LineReader();
    socket.setTimeout(waitMs, () => {
      socket.destroy();
      const remedy = 'Restart it (`systemctl restart skywired`), and see its log';
      reject(new Failure('failed', `the daemon has not answered for ${waitMs / 1000} s`, remedy));
    });
    socket.on('error', (error: NodeJS.ErrnoException) => reject(connectFailure(error, socketPath)));
    socket.on('close', () =>
      reject(new Failure('failed', 'the daemon closed the connection without an answer', 'See its log')),
    );
    socket.on('data', (bytes) => {
      const lines = reader.push(bytes);
      if (lines?.length === 0) return;
      socket.destroy();
      if (lines === undefined) reject(notUnderstood());
      else resolve(lines[0]);
    });
    socket.write(line);
  });
}

function connectFailure(error: NodeJS.ErrnoException, socketPath: string): Failure {
  switch (error.code) {
    case 'ENOENT':
    case 'ECONNREFUSED':
    case 'ENOTDIR':
    case 'ENOTSOCK':
      return new Failure(
        'not-running',
        `no daemon answers at ${socketPath}`,
        'Start it (`systemctl start skywired`), or name its socket with --socket',
      );
    case 'EACCES':
    case 'EPERM':
      return new Failure('not-permitted', `${socketPath} is closed to this user`, 'Run as root: sudo skywire ...');
    default:
      return new Failure('failed', `cannot talk to the daemon at ${socketPath}: ${error.message}`, 'See its log');
  }
}

function failureOf(error: { code: string; message: string; remedy: string }): Failure {
  const known = Object.hasOwn(EXIT_CODES, error.code) && error.code !== 'ok';
  return new Failure(known ? (error.code as FailureCode) : 'failed', error.message, error.remedy);
}

function notUnderstood(): Failure {
  const remedy = 'Restart the daemon if the program was updated; `skywire version` shows both versions';
  return new Failure('failed', "the daemon's answer is not understood", remedy);
}
