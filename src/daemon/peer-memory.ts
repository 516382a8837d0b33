/**
 * The file of remembered peers in the state directory (discovery/peer-memory.ts). It holds keys and addresses, no secrets; one that can't be
 * read costs what was remembered and nothing else.
 */
import type { Log } from '../base/env.ts';
import type { PeerStore, PlacePort } from '../discovery/ports.ts';
import type { LocalAddress } from '../os/datapath.ts';
import { lastingEndpoint, parseEndpoint, socketOf } from '../os/endpoint.ts';
import { LineFile } from '../os/store.ts';

const PEERS_FILE = 'peers';

export interface PeerMemoryPorts {
  readonly store: PeerStore;
  readonly places: PlacePort;
  /** Resolves when everything is on disk. */
  readonly flush: () => Promise<void>;
}

/** `sockets` are those of the links: a peer of a family that none of them has is not called. */
export function peerMemory(stateDir: string, sockets: readonly LocalAddress[], log: Log): PeerMemoryPorts {
  const file = new LineFile(stateDir, PEERS_FILE, (error) =>
    log.write('error', 'peers-not-saved', { reason: error.message }),
  );
  return {
    store: {
      load: () => {
        try {
          return file.load();
        } catch (error) {
          const remedy = `remove ${PEERS_FILE} in ${stateDir}, or give it to the daemon's user`;
          log.write('warn', 'peers-not-read', { reason: (error as Error).message, remedy });
          return [];
        }
      },
      save: (lines) => file.save(lines),
    },
    places: {
      format: lastingEndpoint,
      parse: (place) => parseEndpoint(place, (family) => socketOf(sockets, family)),
    },
    flush: () => file.flush(),
  };
}
