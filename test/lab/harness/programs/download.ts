/**
 * Downloads a file as any program would, and looks at the clock whenever bytes arrive: download.ts URL.
 *
 * Prints a JSON line `{"bytes", "ms"}` four times a second, and at the end
 * `{"done": true, "bytes", "sha256", "ms", "firstByteMs", "longestStallMs"}`; times count from the request.
 */
import { createHash } from 'node:crypto';
import { get } from 'node:http';

const REPORT_EVERY_MS = 250;

const startedMs = performance.now();
const sinceStartMs = () => Math.round((performance.now() - startedMs) * 10) / 10;

get(process.argv[2], (response) => {
  const hash = createHash('sha256');
  let bytes = 0;
  let firstByteMs = 0;
  let lastArrivalMs = 0;
  let longestStallMs = 0;
  const report = setInterval(() => console.log(JSON.stringify({ bytes, ms: sinceStartMs() })), REPORT_EVERY_MS);
  response.on('data', (chunk: Buffer) => {
    const nowMs = sinceStartMs();
    if (bytes === 0) firstByteMs = nowMs;
    else longestStallMs = Math.max(longestStallMs, nowMs - lastArrivalMs);
    lastArrivalMs = nowMs;
    bytes += chunk.length;
    hash.update(chunk);
  });
  response.on('end', () => {
    clearInterval(report);
    const figures = { bytes, ms: lastArrivalMs, firstByteMs, longestStallMs: Math.round(longestStallMs) };
    console.log(JSON.stringify({ done: true, ...figures, sha256: hash.digest('hex') }));
  });
  response.on('aborted', () => fail(new Error('the server broke off')));
}).on('error', fail);

function fail(error: Error): never {
  console.error(`download failed: ${error.message}`);
  process.exit(1);
}
