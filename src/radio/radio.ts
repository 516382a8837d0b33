/** A radio as the decisions about it see it: what it can do, and what it heard. `os/wifi` reads both from the system. */

export interface RadioCapabilities {
  readonly mesh: boolean;
  readonly accessPoint: boolean;
  /** An access point and a mesh point at once, on one channel. */
  readonly accessPointBesideMesh: boolean;
  /** Stations that it can be beside an access point, on one channel. */
  readonly stationsBesideAccessPoint: number;
  /** Where it may send first, by the driver and the regulatory domain: without disabled ones, and those that want radar detection. MHz. */
  readonly frequenciesMhz: readonly number[];
}

/** A box that a scan heard: its access point, or a member of the mesh. */
export interface HeardBox {
  /** Address hash, 20 bytes, as claimed; undefined: a mesh, which does not say. */
  readonly hash: Uint8Array | undefined;
  readonly ssid: string;
  /** Six bytes in hex with colons. */
  readonly bssid: string;
  readonly frequencyMhz: number;
  readonly signalDbm: number;
}
