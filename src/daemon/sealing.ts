/** Where datagrams are sealed and sent: on a thread of the addon's where a processor is left for it, in line else. */
import { availableParallelism } from 'node:os';
import type { Log } from '../base/env.ts';
import type { Cipher } from '../crypto/cipher.ts';
import type { SealingFactory } from '../crypto/sealed-transport.ts';
import type { UdpSockets } from '../os/datapath.ts';

export type Sealing = 'inline' | 'thread';

/** Two are busy with the main thread and what the kernel does for it. */
const PROCESSORS_FOR_THREAD = 3;

/** `wanted`: instead of choosing by the processors. `cipher`: undefined where the sockets have no part in it, as with an offload device. */
export function sealingOn(
  udp: UdpSockets,
  cipher: Cipher | undefined,
  wanted: Sealing | undefined,
  log: Log,
): SealingFactory | undefined {
  const sealing = wanted ?? (availableParallelism() >= PROCESSORS_FOR_THREAD ? 'thread' : 'inline');
  return (transport, capacity, arenaBytes) => {
    const threaded = sealing === 'thread' && cipher !== undefined;
    const made = threaded ? udp.sealOnThread?.(cipher, transport, capacity, arenaBytes) : undefined;
    log.write('info', 'sealing', { on: made === undefined ? 'inline' : 'thread' });
    return made;
  };
}
