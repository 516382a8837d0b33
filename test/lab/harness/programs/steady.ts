/**
 * Connections that last as long as a lab does: a download that never ends, and somebody typing into several shells.
 *
 *   steady.ts serve ADDRESS        prints `{"ready": true}` when it serves
 *   steady.ts use ADDRESS SHELLS   prints `{"stall_from", "ms"}` for each pause of the download from 40 ms on (`stall_from`: Unix
 *                                  milliseconds), `{"lost": what, "why"}` for each connection that ends, and on SIGTERM
 *                                  `{"done": true, "bytes", "echoes"}`: bytes of the download, milliseconds that each typed line took to come back
 */
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

const DOWNLOAD_PORT = 7_101;
const ECHO_PORT = 7_102;
const CHUNK = Buffer.alloc(65_536, 'steady ');
const STALL_FROM_MS = 40;
/** Somebody who types fast. */
const LINE_EVERY_MS = 150;
const LINE_BYTES = 8;

const [mode, address, shellsText] = process.argv.slice(2);

function say(event: Record<string, unknown>): void {
  process.stdout.write(`${JSON.stringify(event)}\n`);
}

async function serve(): Promise<void> {
  const download = createServer((socket) => {
    const fill = (): void => {
      while (!socket.destroyed && socket.write(CHUNK));
    };
    socket.on('drain', fill).on('error', () => {});
    fill();
  });
  const echo = createServer((socket) => {
    socket.setNoDelay(true).on('error', () => {});
    socket.pipe(socket);
  });
  download.listen(DOWNLOAD_PORT, address);
  echo.listen(ECHO_PORT, address);
  await Promise.all([once(download, 'listening'), once(echo, 'listening')]);
  say({ ready: true });
}

function open(what: string, port: number): Socket {
  const socket = connect(port, address);
  let why = 'closed';
  socket.on('error', (error) => {
    why = error.message;
  });
  socket.on('close', () => say({ lost: what, why }));
  return socket;
}

function use(): void {
  let bytes = 0;
  let arrivedMs = performance.now();
  open('download', DOWNLOAD_PORT).on('data', (chunk) => {
    const nowMs = performance.now();
    const ms = nowMs - arrivedMs;
    if (bytes > 0 && ms >= STALL_FROM_MS) say({ stall_from: Date.now() - ms, ms: Math.round(ms) });
    arrivedMs = nowMs;
    bytes += chunk.length;
  });
  const echoes: number[] = [];
  for (let shell = 0; shell < Number(shellsText); shell++) type(open(`shell ${shell}`, ECHO_PORT), echoes);
  process.on('SIGTERM', () => {
    say({ done: true, bytes, echoes });
    process.exit(0);
  });
}

/** A line at a time; TCP brings them back in order. */
function type(socket: Socket, echoes: number[]): void {
  const typedAt: number[] = [];
  let waiting = 0;
  socket.setNoDelay(true);
  const timer = setInterval(() => {
    typedAt.push(performance.now());
    socket.write(Buffer.alloc(LINE_BYTES));
  }, LINE_EVERY_MS);
  socket.on('data', (chunk) => {
    for (waiting += chunk.length; waiting >= LINE_BYTES; waiting -= LINE_BYTES) {
      echoes.push(Math.round(performance.now() - typedAt.shift()!));
    }
  });
  socket.on('close', () => clearInterval(timer));
}

if (mode === 'serve') await serve();
else use();
