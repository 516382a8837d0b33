/**
 * How a box's access point says that it is one (docs/protocol.md section 9.6): a vendor specific element (IEEE 802.11 section 9.4.2.25) in its
 * beacons and probe responses, and an SSID that people recognise.
 *
 *   element id dd | length 24 (1) | 52 4b 59 (3) | type 01 | address hash (20)
 *
 * The first three bytes are an identifier of the locally administered kind, assigned to nobody. Nothing of it is proven: what counts is the
 * handshake of the link.
 */
import { concat, toHex } from '../base/bytes.ts';

export const WIFI_ELEMENT_OUI = Uint8Array.of(0x52, 0x4b, 0x59);
/** Of SSIDs; eight hex digits of the address hash follow. */
export const WIFI_SSID_PREFIX = 'skywire-';
/** Of the 802.11s mesh of all boxes. */
export const WIFI_MESH_ID = 'skywire';
const VENDOR_SPECIFIC = 0xdd;
const TYPE_BOX = 0x01;
const HASH_BYTES = 20;
const SSID_HASH_BYTES = 4;

/** The whole element. @param hash address hash, 20 bytes */
export function encodeWifiElement(hash: Uint8Array): Uint8Array {
  const body = concat(WIFI_ELEMENT_OUI, Uint8Array.of(TYPE_BOX), hash);
  return concat(Uint8Array.of(VENDOR_SPECIFIC, body.length), body);
}

/** The address hash (20 bytes) in what follows the identifier in an element; undefined: it is none of ours. Longer ones are of a later version. */
export function parseWifiElement(data: Uint8Array): Uint8Array | undefined {
  if (data.length < 1 + HASH_BYTES || data[0] !== TYPE_BOX) return undefined;
  return data.slice(1, 1 + HASH_BYTES);
}

export function wifiSsid(hash: Uint8Array): string {
  return `${WIFI_SSID_PREFIX}${toHex(hash.subarray(0, SSID_HASH_BYTES))}`;
}
