/**
 * Vectors of the MAC alone, with chosen r and s, which no vector of the whole AEAD can choose: RFC 8439 appendix A.3 (whole
 * blocks), then carries under pressure, then sums that end just below and just above the modulus, where a missing final
 * reduction shows. The expected tags are worked out here with whole numbers.
 *
 *   count u32 | each: blocks u32, r 16, s 16, blocks, tag 16; little-endian
 */
import { writeFileSync } from 'node:fs';
import { SeededRandom } from '../../src/base/seeded-random.ts';

const P = (1n << 130n) - 5n;
const CLAMP = 0x0ffffffc0ffffffc0ffffffc0fffffffn;
const ONES = (1n << 128n) - 1n;
const TWO_128 = 1n << 128n;

const parts: Buffer[] = [];
let count = 0;

function bytesOf(value: bigint): Buffer {
  const bytes = Buffer.alloc(16);
  for (let i = 0; i < 16; i++) bytes[i] = Number((value >> BigInt(8 * i)) & 0xffn);
  return bytes;
}

function numberOf(hex: string): bigint {
  return BigInt(`0x${Buffer.from(hex, 'hex').reverse().toString('hex')}`);
}

function add(r: bigint, s: bigint, blocks: readonly bigint[], published?: string): void {
  let h = 0n;
  for (const block of blocks) h = ((h + block + TWO_128) * (r & CLAMP)) % P;
  const tag = (h + s) & ONES;
  if (published !== undefined && bytesOf(tag).toString('hex') !== published)
    throw new Error(`not RFC 8439: ${published}`);
  const head = Buffer.alloc(4);
  head.writeUInt32LE(blocks.length);
  parts.push(head, bytesOf(r), bytesOf(s), ...blocks.map(bytesOf), bytesOf(tag));
  count++;
}

const zeros = (bytes: number) => '00'.repeat(bytes);
// RFC 8439 appendix A.3, numbers 7 to 11.
add(2n, 0n, [ONES], `03${zeros(15)}`);
add(2n, ONES, [2n], `03${zeros(15)}`);
add(1n, 0n, [ONES, numberOf(`f0${'ff'.repeat(15)}`), numberOf(`11${zeros(15)}`)], `05${zeros(15)}`);
add(1n, 0n, [ONES, numberOf(`fb${'fe'.repeat(15)}`), numberOf('01'.repeat(16))], zeros(16));
add(2n, 0n, [numberOf(`fd${'ff'.repeat(15)}`)], `fa${'ff'.repeat(15)}`);

const random = new SeededRandom(1305, 'poly vectors');
const drawn = new Uint8Array(16);
function any(): bigint {
  random.fill(drawn);
  return numberOf(Buffer.from(drawn).toString('hex'));
}
function awkward(): bigint {
  const kind = Number(any() % 8n);
  if (kind < 2) return ONES - (any() % 8n);
  if (kind < 4) return any() % 8n;
  return kind === 4 ? CLAMP : any();
}
for (let i = 0; i < 4_000; i++) add(awkward(), awkward(), Array.from({ length: 1 + (i % 6) }, awkward));
// With r = 1 the last block can be chosen so that the sum ends within five of the modulus, on either side.
for (let i = 0; i < 60; i++) {
  const [a, b] = [any(), any()];
  const before = (a + b + 2n * TWO_128) % P;
  for (let distance = -5n; distance < 5n; distance++) {
    const last = P + distance - before - TWO_128;
    if (last >= 0n && last <= ONES) add(1n, any(), [a, b, last]);
  }
}

const head = Buffer.alloc(4);
head.writeUInt32LE(count);
writeFileSync(process.argv[2], Buffer.concat([head, ...parts]));
