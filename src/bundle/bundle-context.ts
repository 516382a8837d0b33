/** What the bundle layer works with. */
import type { Drops } from '../base/drops.ts';
import type { Log, RandomSource } from '../base/env.ts';
import type { NodeKey } from '../base/ids.ts';
import type { Cipher } from '../crypto/cipher.ts';
import type { Curve } from '../crypto/curve.ts';
import type { Sealer } from './handshake/sealer.ts';
import type { RoutePort } from './ports.ts';
import type { MessagePool } from './queue/message-pool.ts';
import type { SessionTable } from './session-table.ts';
import type { BundleTuning } from './tuning.ts';

/** What the layer is given. */
export interface BundleEnvironment {
  readonly curve: Curve;
  readonly cipher: Cipher;
  /** Of this node. */
  readonly node: NodeKey;
  readonly random: RandomSource;
  readonly routes: RoutePort;
  readonly drops: Drops;
  readonly log: Log;
  readonly wallMs: () => number;
}

/** What the sessions of a node share. */
export interface BundleContext extends BundleEnvironment {
  readonly tuning: BundleTuning;
  readonly pool: MessagePool;
  readonly sealer: Sealer;
  readonly sessions: SessionTable;
}
