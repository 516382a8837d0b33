import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createConnection, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Drops } from '../../../src/base/drops.ts';
import type { Log } from '../../../src/base/env.ts';
import { Failure } from '../../../src/base/failure.ts';
import { ask } from '../../../src/cli/control-client.ts';
import { MAX_LINE_BYTES, requestLine } from '../../../src/control/envelope.ts';
import type { ControlHandlers } from '../../../src/control/schema.ts';
import { ControlServer, type ControlServerOptions, MAX_CLIENTS, MAX_REFUSALS } from '../../../src/os/control-server.ts';
import { KEY, RELAY_A, STATUS, sampleHandlers } from '../cli/sample-handlers.ts';

let folder: string;
let socketPath: string;
let drops: Drops;
let logged: string[];
let servers: ControlServer[];
let sockets: Socket[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'control-'));
  socketPath = join(folder, 'control.sock');
  drops = new Drops();
  logged = [];
  servers = [];
  sockets = [];
});

afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  for (const server of servers) await server.stop();
  rmSync(folder, { recursive: true });
});

async function start(options: Partial<ControlServerOptions> = {}): Promise<ControlServer> {
  const log: Log = { write: (_level, event) => void logged.push(event) };
  const server = new ControlServer({ socketPath, handlers: sampleHandlers(), drops, log, ...options });
  await server.start();
  servers.push(server);
  return server;
}

function handlersWith(some: Partial<ControlHandlers>): ControlHandlers {
  return { ...sampleHandlers(), ...some };
}

/** A bare client. */
async function connect(): Promise<Socket> {
  const socket = createConnection(socketPath);
  sockets.push(socket);
  await new Promise((resolve) => socket.once('connect', resolve));
  return socket;
}

/** As many clients as there may be, each answered once: the server has taken it in. */
async function fill(): Promise<Socket[]> {
  const held: Socket[] = [];
  for (let index = 0; index < MAX_CLIENTS; index++) {
    const socket = await connect();
    socket.write(requestLine(1, 'version', {}));
    await new Promise((resolve) => socket.once('data', resolve));
    held.push(socket);
  }
  return held;
}

/** Everything that the server sends until it closes. */
async function untilClosed(socket: Socket): Promise<string> {
  let text = '';
  socket.on('data', (bytes) => {
    text += bytes;
  });
  await new Promise((resolve) => socket.once('close', resolve));
  return text;
}

function linesOf(text: string): { id: number | null; result?: unknown; error?: { code: string } }[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));
}

describe('answers', () => {
  test('a request with the result of its handler', async () => {
    await start();
    expect((await ask(socketPath, 'status', {})).result).toEqual(STATUS);
    expect((await ask(socketPath, 'ping', { key: KEY, count: 3 })).result.rtts_ms).toEqual([20, null, 23]);
  });

  test('several requests of one client in their order, also when the client has closed its side', async () => {
    await start();
    const socket = await connect();
    socket.end(requestLine(1, 'ping', { key: KEY }) + requestLine(2, 'version', {}) + requestLine(3, 'peers', {}));
    expect(linesOf(await untilClosed(socket)).map((line) => line.id)).toEqual([1, 2, 3]);
  });

  test('with the code and remedy of a Failure that a handler throws', async () => {
    await start();
    await expect(ask(socketPath, 'gateway.use', { gateway: RELAY_A })).rejects.toMatchObject({
      code: 'gateway-unreachable',
      remedy: 'See `skywire gateway`',
      exitCode: 9,
    });
  });

  test('with an internal error, logged, when a handler has a fault', async () => {
    await start({ handlers: handlersWith({ peers: () => Promise.reject(new Error('oops')) }) });
    await expect(ask(socketPath, 'peers', {})).rejects.toMatchObject({ code: 'failed', message: 'oops' });
    expect(logged).toEqual(['control-handler-failed']);
  });

  test('with an internal error when a result is longer than a line may be', async () => {
    const drops = { ['x'.repeat(MAX_LINE_BYTES)]: 1 };
    await start({ handlers: handlersWith({ status: () => ({ ...STATUS, drops }) }) });
    await expect(ask(socketPath, 'status', {})).rejects.toThrow(/longer than a line/);
  });

  test('with a timeout when a handler hangs', async () => {
    await start({ handlers: handlersWith({ peers: () => new Promise(() => {}) }), answerMs: () => 1 });
    await expect(ask(socketPath, 'peers', {})).rejects.toThrow('no answer within 0.001 s');
  });
});

describe('hostile input', () => {
  test('is answered with an error, counted, and does not end the connection', async () => {
    await start();
    const socket = await connect();
    socket.end(`nonsense\n\xff\xfe\n{"v":9,"id":1}\n{"v":1,"id":2,"method":"rm"}\n${requestLine(3, 'version', {})}`);
    const lines = linesOf(await untilClosed(socket));
    expect(lines.map((line) => line.error?.code)).toEqual([
      'bad-request',
      'bad-request',
      'unsupported-version',
      'unknown-method',
      undefined,
    ]);
    expect(drops.toJSON()).toEqual({ 'control-malformed': 2, 'control-method': 1, 'control-version': 1 });
  });

  test('ends the connection when a line does not end', async () => {
    await start();
    const socket = await connect();
    socket.on('error', () => {});
    socket.write('x'.repeat(MAX_LINE_BYTES + 1));
    expect(linesOf(await untilClosed(socket))).toMatchObject([{ id: null, error: { code: 'bad-request' } }]);
    expect(drops.get('control-line-long')).toBe(1);
    // The server is still there.
    await ask(socketPath, 'version', {});
  });

  test('a client that goes away in the middle of an answer harms nobody', async () => {
    let release = () => {};
    let asked = () => {};
    const wasAsked = new Promise<void>((resolve) => {
      asked = resolve;
    });
    const handlers = handlersWith({
      peers: () => {
        asked();
        return new Promise((resolve) => {
          release = () => resolve({ peers: [] });
        });
      },
    });
    await start({ handlers });
    const socket = await connect();
    socket.write(requestLine(1, 'peers', {}));
    await wasAsked;
    socket.destroy();
    release();
    await ask(socketPath, 'version', {});
  });

  test('one client more than the limit is told so; a place that becomes free is given out again', async () => {
    await start();
    const held = await fill();
    await expect(ask(socketPath, 'version', {})).rejects.toThrow(`${MAX_CLIENTS} clients are connected already`);
    expect(drops.get('control-busy')).toBe(1);
    // The server closes its side when it has seen the end of ours.
    const gone = new Promise((resolve) => held[0].once('close', resolve));
    held[0].end();
    await gone;
    await ask(socketPath, 'version', {});
  });

  test('a flood of connections is closed without a word', async () => {
    await start();
    await fill();
    for (let index = 0; index < MAX_REFUSALS; index++) {
      // Read, but not closed from this side: it keeps its place until the server gives up.
      const socket = createConnection({ path: socketPath, allowHalfOpen: true });
      sockets.push(socket);
      await new Promise((resolve) => socket.once('data', resolve));
    }
    expect(drops.get('control-busy')).toBe(MAX_REFUSALS);
    const flood = await connect();
    expect(await untilClosed(flood)).toBe('');
  });

  test('clients one after another leave nothing behind', async () => {
    await start();
    for (let index = 0; index < 2 * MAX_CLIENTS; index++) await ask(socketPath, 'version', {});
    expect(drops.toJSON()).toEqual({});
  });

  test('a client that asks nothing is disconnected', async () => {
    await start({ requestWaitMs: 1 });
    const socket = await connect();
    expect(await untilClosed(socket)).toBe('');
    expect(drops.get('control-idle')).toBe(1);
  });
});

describe('the socket', () => {
  test('is open to its owner and group only, in a folder that is made for it', async () => {
    socketPath = join(folder, 'run', 'skywire', 'control.sock');
    await start();
    expect(statSync(socketPath).mode & 0o777).toBe(0o660);
  });

  test('is removed at the end, with every connection closed', async () => {
    const server = await start();
    const socket = await connect();
    await Promise.all([untilClosed(socket), server.stop()]);
    expect(existsSync(socketPath)).toBe(false);
    await expect(ask(socketPath, 'version', {})).rejects.toMatchObject({ code: 'not-running', exitCode: 8 });
  });

  test('that a living daemon answers on is left to it', async () => {
    await start();
    const second = new ControlServer({ socketPath, handlers: sampleHandlers(), drops, log: { write: () => {} } });
    const failure = await second.start().catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(Failure);
    expect(failure).toMatchObject({ code: 'address-in-use', exitCode: 5 });
    await ask(socketPath, 'version', {});
  });

  test('that a dead daemon left behind is replaced', async () => {
    await leaveStaleSocket();
    expect(statSync(socketPath).isSocket()).toBe(true);
    await start();
    await ask(socketPath, 'version', {});
  });

  test('is not made over a file that is something else', async () => {
    writeFileSync(socketPath, 'precious');
    await expect(start()).rejects.toMatchObject({
      code: 'address-in-use',
      message: expect.stringMatching(/not a socket/),
    });
    expect(statSync(socketPath).isFile()).toBe(true);
  });

  test('in a place that can not be is a failure with a remedy', async () => {
    writeFileSync(join(folder, 'file'), '');
    socketPath = join(folder, 'file', 'control.sock');
    await expect(start()).rejects.toBeInstanceOf(Failure);
  });

  /** As a killed process does: the file stays, nobody listens. */
  async function leaveStaleSocket(): Promise<void> {
    const { renameSync } = await import('node:fs');
    const dead = createServer();
    await new Promise<void>((resolve) => dead.listen(`${socketPath}.dead`, resolve));
    // Renamed, so that closing can't find it to remove it.
    renameSync(`${socketPath}.dead`, socketPath);
    await new Promise((resolve) => dead.close(resolve));
  }
});
