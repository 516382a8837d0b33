/**
 * Asks daemons for their status and routes without a pause: `hammer CLIENTS SOCKET...`, so many clients on each socket, each of which asks again
 * as soon as it has its answer. Prints `{"answers":N}`, what came so far, every quarter of a second.
 */
import { ask } from '../../../src/cli/control-client.ts';

const PRINT_EVERY_MS = 250;

const [clients, ...sockets] = process.argv.slice(2);
let answers = 0;

async function hammer(socket: string): Promise<never> {
  for (;;) {
    for (const method of ['status', 'routes'] as const) {
      await ask(socket, method, {});
      answers++;
    }
  }
}

setInterval(() => process.stdout.write(`${JSON.stringify({ answers })}\n`), PRINT_EVERY_MS);
await Promise.all(sockets.flatMap((socket) => Array.from({ length: Number(clients) }, () => hammer(socket))));
