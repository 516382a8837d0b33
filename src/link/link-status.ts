/** What `status` tells of a configured peer, connected or not. */
import type { LinkId, NodeKey } from '../base/ids.ts';

export interface LinkStatus {
  readonly link: LinkId;
  readonly key: NodeKey;
  readonly state: 'down' | 'handshake' | 'up';
  /** Where the peer is, or is sought: ENDPOINT_BYTES. */
  readonly endpoint: Uint8Array | undefined;
  readonly configuredEndpoint: Uint8Array | undefined;
  readonly sentDatagrams: number;
  readonly sentBytes: number;
  readonly receivedDatagrams: number;
  readonly receivedBytes: number;
  /** Of the session; undefined unless the link is up. */
  readonly session:
    | {
        readonly role: 'initiator' | 'responder';
        readonly upForMs: number;
        readonly roundTripMs: number;
        readonly leastRoundTripMs: number;
        readonly epoch: number;
        readonly rekeys: number;
        readonly pathMtuBytes: number;
        readonly lastHeardMsAgo: number;
      }
    | undefined;
}
