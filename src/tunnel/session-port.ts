/** What the tunnel needs of an end-to-end session. `node` wires it to the bundle layer. */
export interface TunnelSession {
  /** 33 bytes: who the client is. The same key means the same client, over any number of sessions. */
  readonly clientKey: Uint8Array;
  /** Copies the message before it returns; false when the session has no room and dropped it. */
  send(message: Uint8Array, now: number): boolean;
}
