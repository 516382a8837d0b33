/** A link between two nodes as both of them tell of it. */
import type { KeyText, NodeKey } from '../base/ids.ts';
import type { Medium } from '../wire/link-class.ts';

export interface GraphLink {
  /** The node at the other end. */
  readonly key: NodeKey;
  readonly keyText: KeyText;
  /** Its number in the graph. */
  readonly number: number;
  /** The longer one of what both say. */
  readonly roundTripMs: number;
  /** The lower one of what both know; 0: unknown. */
  readonly rateKbps: number;
  /** The larger one of what both say, 0 to 1. */
  readonly lossShare: number;
  /** One of the ends sends over other links: the link works in one direction only. */
  readonly detour: boolean;
  /** As both say; `unknown` when they differ. */
  readonly medium: Medium;
  /** Satoshi for 10^9 bytes: half of what each end takes, so that the links of a path add up to what the nodes on it take. */
  readonly price: number;
}
