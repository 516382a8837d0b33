/** What the traffic of others gets of this node's links, as its operator says. */

/** Share of what the link was measured to carry, 0 to 1; or bytes a millisecond. */
export type TransitCap = { readonly share: number } | { readonly bytesPerMs: number };

export interface TransitOptions {
  /** This node's own routes go first on every link; the others get what is left. */
  readonly ownFirst: boolean;
  /** The most that others get; all there is when missing. */
  readonly cap?: TransitCap;
}

export const ALL_ALIKE: TransitOptions = { ownFirst: false };
