/**
 * The control socket: a unix stream server that answers one request a line (docs/cli.md). Local, but not trusted:
 * everything a client can use up is bounded, and what is refused is counted under `control-...`.
 *
 * A client's requests are answered one after another, in order; while one is being answered its socket is not read.
 *
 * Timers. Request: a client that has not sent a whole request for REQUEST_WAIT_MS is disconnected, so that idle ones
 * can't keep others out. Refusal: a client that is one too many has REFUSAL_MS to read that. Answer: a handler that takes
 * longer than `longestAnswerMs` is reported as `timeout`; whatever it still returns is thrown away.
 */
import { chmodSync, lstatSync, mkdirSync, unlinkSync } from 'node:fs';
import { createConnection, createServer, type Server, type Socket } from 'node:net';
import { dirname } from 'node:path';
import type { Drops } from '../base/drops.ts';
import type { Log } from '../base/env.ts';
import { Failure } from '../base/failure.ts';
import { type ControlError, errorLine, MAX_LINE_BYTES, readRequest, resultLine } from '../control/envelope.ts';
import { LineReader } from '../control/line-reader.ts';
import { type ControlCall, type ControlHandlers, longestAnswerMs } from '../control/schema.ts';

export const MAX_CLIENTS = 16;
export const REQUEST_WAIT_MS = 60_000;

const SOCKET_MODE = 0o660;
/** Connections beyond MAX_CLIENTS that are being told so; still more are closed without a word. */
export const MAX_REFUSALS = 16;
const REFUSAL_MS = 1000;

export interface ControlServerOptions {
  readonly socketPath: string;
  readonly handlers: ControlHandlers;
  readonly drops: Drops;
  readonly log: Log;
  /** Other waits than the ones above, for tests. */
  readonly requestWaitMs?: number;
  readonly answerMs?: (call: ControlCall) => number;
}

export class ControlServer {
  private readonly options: ControlServerOptions;
  private readonly sockets = new Set<Socket>();
  private server: Server | undefined;

  constructor(options: ControlServerOptions) {
    this.options = options;
  }

  /**
   * Listens. Takes the place of a socket that a dead daemon left behind.
   * @throws Failure address-in-use when a living daemon answers there, or something that is no socket lies there;
   *   not-permitted; failed
   */
  async start(): Promise<void> {
    const { socketPath } = this.options;
    try {
      mkdirSync(dirname(socketPath), { recursive: true, mode: 0o755 });
      await clearStaleSocket(socketPath);
      this.server = await listen(socketPath, (socket) => void this.serve(socket));
    } catch (error) {
      throw failureOf(error, socketPath);
    }
  }

  /** Closes every connection and removes the socket. */
  async stop(): Promise<void> {
    const server = this.server;
    if (server === undefined) return;
    this.server = undefined;
    const closed = new Promise((resolve) => server.close(resolve));
    for (const socket of this.sockets) socket.destroy();
    await closed;
  }

  private async serve(socket: Socket): Promise<void> {
    // Without a listener an ECONNRESET would end the daemon. The loop below sees the end of the stream.
    socket.on('error', () => {});
    this.sockets.add(socket);
    socket.once('close', () => this.sockets.delete(socket));
    if (this.sockets.size > MAX_CLIENTS) {
      this.refuse(socket);
      return;
    }
    const requestWait = setTimeout(() => {
      this.options.drops.count('control-idle');
      socket.destroy();
    }, this.options.requestWaitMs ?? REQUEST_WAIT_MS);
    try {
      await this.answerLines(socket, requestWait);
      socket.end();
    } catch {
      // The client went away in the middle of something.
      socket.destroy();
    } finally {
      clearTimeout(requestWait);
    }
  }

  /** Its request is read away while it has not seen the answer: a socket closed too early would swallow that. */
  private refuse(socket: Socket): void {
    this.options.drops.count('control-busy');
    const message = `${MAX_CLIENTS} clients are connected already`;
    socket.end(errorLine(null, { code: 'busy', message, remedy: 'Close some of them, or try again' }));
    socket.setTimeout(REFUSAL_MS, () => socket.destroy());
    socket.resume();
  }

  private async answerLines(socket: Socket, requestWait: NodeJS.Timeout): Promise<void> {
    const reader = new LineReader();
    for await (const bytes of socket as AsyncIterable<Uint8Array>) {
      const lines = reader.push(bytes);
      if (lines === undefined) {
        this.options.drops.count('control-line-long');
        const message = `a line is at most ${MAX_LINE_BYTES} bytes`;
        await written(socket, errorLine(null, { code: 'bad-request', message, remedy: 'Send one request a line' }));
        return;
      }
      for (const line of lines) {
        const answer = await this.answer(line);
        if (socket.destroyed) return;
        requestWait.refresh();
        await written(socket, answer);
      }
    }
  }

  private async answer(line: string): Promise<string> {
    const request = readRequest(line);
    if (request.error !== undefined) {
      this.options.drops.count(request.drop);
      return errorLine(request.id, request.error);
    }
    try {
      const answer = resultLine(request.id, await this.call(request.call));
      if (Buffer.byteLength(answer) <= MAX_LINE_BYTES) return answer;
      throw new Error(`the answer to ${request.call.method} is longer than a line may be`);
    } catch (error) {
      return errorLine(request.id, this.errorOf(error, request.call));
    }
  }

  private async call(call: ControlCall): Promise<unknown> {
    const limitMs = (this.options.answerMs ?? longestAnswerMs)(call);
    // The table is indexed with the method that the parameters were checked for.
    const handler = this.options.handlers[call.method] as (params: ControlCall['params']) => unknown;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new LateAnswer(limitMs)), limitMs);
    });
    try {
      return await Promise.race([handler(call.params), late]);
    } finally {
      clearTimeout(timer);
    }
  }

  private errorOf(error: unknown, call: ControlCall): ControlError {
    if (error instanceof Failure) return { code: error.code, message: error.message, remedy: error.remedy };
    if (error instanceof LateAnswer) {
      return { code: 'timeout', message: error.message, remedy: 'Try again; if it stays so, restart the daemon' };
    }
    const message = error instanceof Error ? error.message : String(error);
    this.options.log.write('error', 'control-handler-failed', { method: call.method, message });
    return { code: 'internal', message, remedy: 'This is a fault of the daemon: please report it with its log' };
  }
}

class LateAnswer extends Error {
  constructor(limitMs: number) {
    super(`no answer within ${limitMs / 1000} s`);
  }
}

/** Resolves when the system has taken the text, or the socket is gone. */
function written(socket: Socket, text: string): Promise<void> {
  return new Promise((resolve) => {
    socket.write(text, () => resolve());
  });
}

/** Removes the socket file of a daemon that no longer answers. */
async function clearStaleSocket(socketPath: string): Promise<void> {
  const state = await new Promise<'answers' | 'absent' | 'refuses'>((resolve, reject) => {
    const probe = createConnection(socketPath);
    probe.once('connect', () => {
      probe.destroy();
      resolve('answers');
    });
    probe.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') resolve('absent');
      else if (error.code === 'ECONNREFUSED' || error.code === 'ENOTSOCK') resolve('refuses');
      else reject(error);
    });
  });
  if (state === 'absent') return;
  if (state === 'answers') {
    throw new Failure(
      'address-in-use',
      `a daemon already answers at ${socketPath}`,
      'Stop it first, or give this one another [control] socket',
    );
  }
  // Never delete what somebody else put there.
  if (!lstatSync(socketPath).isSocket()) {
    throw new Failure(
      'address-in-use',
      `${socketPath} exists and is not a socket`,
      'Move it away, or set [control] socket to another path',
    );
  }
  unlinkSync(socketPath);
}

function listen(socketPath: string, connected: (socket: Socket) => void): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer({ allowHalfOpen: true }, connected);
    server.maxConnections = MAX_CLIENTS + MAX_REFUSALS;
    server.once('error', reject);
    server.listen(socketPath, () => {
      server.off('error', reject);
      // From here on an error (out of file descriptors, say) costs one connection, not the daemon.
      server.on('error', () => {});
      try {
        chmodSync(socketPath, SOCKET_MODE);
        resolve(server);
      } catch (error) {
        server.close();
        reject(error);
      }
    });
  });
}

function failureOf(error: unknown, socketPath: string): Failure {
  if (error instanceof Failure) return error;
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') {
    return new Failure(
      'not-permitted',
      `the control socket ${socketPath} cannot be made here`,
      'Run as root, or set [control] socket to a path that this user may write',
    );
  }
  if (code === 'EADDRINUSE') {
    return new Failure('address-in-use', `another daemon has just taken ${socketPath}`, 'Run one daemon a socket');
  }
  return new Failure('failed', `the control socket ${socketPath} cannot be made: ${message}`, 'Check [control] socket');
}
