/** The thread of hang-watch.ts: writes the verdict itself, as nobody else can. */
import { writeSync } from 'node:fs';
import { workerData } from 'node:worker_threads';

const { current, name, replay, hangMs } = workerData as {
  current: Int32Array;
  name: string;
  replay: string;
  hangMs: number;
};
let last = -1;

setInterval(() => {
  const number = Atomics.load(current, 0);
  if (number === last) {
    const command = `${replay} ${number + 1}`;
    writeSync(2, `case ${number} hangs\nreplay: ${command}\n`);
    writeSync(1, `${JSON.stringify({ name, pass: false, reason: 'hang', case: number, replay: command })}\n`);
    process.kill(process.pid, 'SIGKILL');
  }
  last = number;
}, hangMs);
