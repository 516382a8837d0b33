/**
 * Writes the payload of an update into a slot. The slot is named by nothing until all of it is there and has the checksum of the signed
 * manifest, so a cut at any byte leaves a system that starts.
 */
import { createHash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import type { Header } from './bundle.ts';
import { refusal } from './bundle.ts';

const CHUNK_BYTES = 1024 * 1024;
/** Nothing that waits for the card may grow without bound: written in steps, each on the card before the next. */
const SYNC_EVERY_BYTES = 32 * CHUNK_BYTES;

/**
 * Resolves when everything is on the card.
 * @param device a partition, or a file in its place
 * @throws Failure failed when what the file holds is not what was signed; errors of the card are the system's
 */
export async function writeSlot(update: FileHandle, header: Header, device: string): Promise<void> {
  const { manifest, payloadOffset } = header;
  const slot = await open(device, 'r+');
  try {
    const hash = createHash('sha256');
    const chunk = Buffer.alloc(CHUNK_BYTES);
    for (let done = 0; done < manifest.bytes; ) {
      const wanted = Math.min(CHUNK_BYTES, manifest.bytes - done);
      const { bytesRead } = await update.read(chunk, 0, wanted, payloadOffset + done);
      if (bytesRead === 0) throw refusal('it ended early', 'Download it again');
      hash.update(chunk.subarray(0, bytesRead));
      await writeAll(slot, chunk.subarray(0, bytesRead), done);
      done += bytesRead;
      if (done % SYNC_EVERY_BYTES === 0) await slot.datasync();
    }
    await slot.sync();
    if (hash.digest('hex') !== manifest.sha256) throw refusal('it is damaged: another checksum', 'Download it again');
  } finally {
    await slot.close();
  }
}

async function writeAll(slot: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    done += (await slot.write(bytes, done, bytes.length - done, position + done)).bytesWritten;
  }
}
