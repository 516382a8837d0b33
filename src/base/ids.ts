/** Names of things that must not mix. A brand exists for the compiler only. */
declare const brand: unique symbol;
type Branded<T, Name extends string> = T & { readonly [brand]: Name };

/** 33 bytes: the compressed secp256k1 point that names a node. */
export type NodeKey = Branded<Uint8Array, 'NodeKey'>;
/** 33 bytes: names a service at a node, a gateway for one. */
export type ServiceKey = Branded<Uint8Array, 'ServiceKey'>;
/** 33 bytes: all that a service learns of a client. */
export type ClientKey = Branded<Uint8Array, 'ClientKey'>;
/** 32 bytes, a scalar in [1, n-1]. */
export type SecretKey = Branded<Uint8Array, 'SecretKey'>;

/** A neighbour of this node: a small integer, valid from `linkUp` to `linkDown`, reused for the same neighbour. */
export type LinkId = Branded<number, 'LinkId'>;
/** A route that begins or ends at this node: an integer never used twice in the life of the process. */
export type RouteHandle = Branded<number, 'RouteHandle'>;
/** Hex of a key: for use as a Map key and in JSON. */
export type KeyText = string;
