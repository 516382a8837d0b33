/**
 * The native data path: batched sockets and TUN, a precise timer, the cipher and the curve in C. `loadNative` finds the addon beside the
 * bundle (dist/), or in the repository's dist/ when run from source. Where the addon was built without libsecp256k1,
 * the curve is the TypeScript one and `curve.name` says so.
 */
import type { Cipher } from '../crypto/cipher.ts';
import type { Curve } from '../crypto/curve.ts';
import { nobleCurve } from '../crypto/noble-curve.ts';
import type { OffloadCipher, OffloadOptions } from '../crypto/offload-cipher.ts';
import type { PieceCopier } from '../wire/piece-copier.ts';
import { hasCurve, loadAddon } from './addon.ts';
import { createNativeCurve } from './native-curve.ts';
import { openNativeOffload } from './native-offload.ts';
import { NativeTimer } from './native-timer.ts';
import { type NativeTun, openNativeTun } from './native-tun.ts';
import { type NativeUdp, openNativeUdp } from './native-udp.ts';

export interface NativeDatapath {
  readonly name: 'native';
  readonly curve: Curve;
  readonly cipher: Cipher;
  readonly pieces: PieceCopier;
  /** A cipher on an offload device, with software beside it; never fails for lack of a device (native-offload.ts). */
  openOffload(device: string, options: OffloadOptions): OffloadCipher;
  /** Binds every address or throws a Failure, with nothing left open. Order gives the socket index of endpoints. */
  openUdp(listen: readonly { address: string; port: number }[]): NativeUdp;
  /** Creates the device, up and without an address, or throws a Failure. */
  openTun(name: string, mtuBytes: number): NativeTun;
  openTimer(): NativeTimer;
  /** One datagram to the service manager's socket; throws an error with the system's code. */
  notify(socketPath: string, text: string): void;
}

// The bundle lies in dist/ beside the addon; this file two folders below the repository's root.
const ADDON_FOLDERS = [new URL('./', import.meta.url), new URL('../../dist/', import.meta.url)];

/** The data path, or the reason why there is none on this machine. Never throws. */
export function loadNative(
  folders: readonly URL[] = ADDON_FOLDERS,
): { datapath: NativeDatapath } | { missing: string } {
  const loaded = loadAddon(folders, process.arch);
  if ('missing' in loaded) return loaded;
  const { addon } = loaded;
  const datapath: NativeDatapath = {
    name: 'native',
    curve: hasCurve(addon) ? createNativeCurve(addon) : nobleCurve,
    cipher: {
      name: 'openssl',
      addKey: (key) => addon.addKey(key),
      removeKey: (slot) => addon.removeKey(slot),
      sealBatch: (arena, jobs, count) => addon.sealBatch(arena, jobs, count),
      openBatch: (arena, jobs, count) => addon.openBatch(arena, jobs, count),
    },
    pieces: { lay: addon.layPieces },
    openOffload: (device, options) => openNativeOffload(addon, device, options),
    openUdp: (listen) => openNativeUdp(addon, listen),
    openTun: (name, mtuBytes) => openNativeTun(addon, name, mtuBytes),
    openTimer: () => new NativeTimer(addon),
    notify: (socketPath, text) => addon.notify(socketPath, text),
  };
  return { datapath };
}
