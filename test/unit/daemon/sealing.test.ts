import { describe, expect, it } from 'vitest';
import { createDatagramBatch } from '../../../src/base/datagram.ts';
import type { Cipher } from '../../../src/crypto/cipher.ts';
import { createNodeCipher } from '../../../src/crypto/node-cipher.ts';
import { InlineSealing, type SealedTransport } from '../../../src/crypto/sealed-transport.ts';
import { type Sealing, sealingOn } from '../../../src/daemon/sealing.ts';
import type { UdpSockets } from '../../../src/os/datapath.ts';

const cipher = createNodeCipher();
const transport = { maxDatagramBytes: 65_507, send: () => undefined };
const threaded: SealedTransport = new InlineSealing(cipher, transport, 1, 64);

function made(wanted: Sealing, own: Cipher | undefined, sockets: Partial<UdpSockets>) {
  const said: unknown[] = [];
  const log = { write: (_level: string, event: string, fields: object = {}) => void said.push({ event, ...fields }) };
  const factory = sealingOn(sockets as UdpSockets, own, wanted, log);
  return { sealing: factory?.(transport, 64, 65_536), said };
}

const CASES: readonly [string, Sealing, Cipher | undefined, Partial<UdpSockets>, Sealing][] = [
  ['on a thread, where the sockets have one', 'thread', cipher, { sealOnThread: () => threaded }, 'thread'],
  ['in line, when asked for', 'inline', cipher, { sealOnThread: () => threaded }, 'inline'],
  ['in line, where the sockets have none', 'thread', cipher, {}, 'inline'],
  ['in line, where no thread can be had', 'thread', cipher, { sealOnThread: () => undefined }, 'inline'],
  ['in line, beside a cipher of its own', 'thread', undefined, { sealOnThread: () => threaded }, 'inline'],
];

describe('where datagrams are sealed', () => {
  it.each(CASES)('%s', (_, wanted, own, sockets, on) => {
    const { sealing, said } = made(wanted, own, sockets);
    expect(sealing).toBe(on === 'thread' ? threaded : undefined);
    expect(said).toEqual([{ event: 'sealing', on }]);
  });
});

it('seals, sends and empties the batch', () => {
  const sent: number[] = [];
  const sealing = new InlineSealing(cipher, { ...transport, send: ({ count }) => void sent.push(count) }, 4, 65_536);
  sealing.batch.count = 3;
  sealing.send(0);
  expect(sent).toEqual([3]);
  expect(sealing.batch).toEqual(createDatagramBatch(4, 65_536));
});
