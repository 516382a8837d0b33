/** Connections of NetworkManager's interfaces through `nmcli`. */
import { Failure } from '../../base/failure.ts';
import type { HeardBox } from '../../radio/radio.ts';
import { runTool } from '../command.ts';
import { type ManagedDevice, readDevices } from './nmcli-text.ts';

/** A connection to an open network takes about a second. Seconds, as nmcli wants it; below the time that a tool may take. */
const CONNECT_S = 12;

/** The Wifi interfaces that NetworkManager has; none when it does not run, or is not installed. */
export async function managedDevices(): Promise<ManagedDevice[]> {
  const args = ['--terse', '--fields', 'DEVICE,TYPE,STATE,CONNECTION', 'device', 'status'];
  try {
    const devices = readDevices(await runTool('nmcli', args));
    return devices.filter(({ type, state }) => type === 'wifi' && state !== 'unmanaged');
  } catch (error) {
    if (error instanceof Failure && error.code === 'system-tool') return [];
    throw error;
  }
}

/**
 * Joins the network of a box, with link-local addresses and nothing else: it is no way to anywhere but the box. The connection is
 * kept in memory, and never comes up by itself.
 * @throws Failure system-tool, as all of these
 */
export async function connect(device: string, name: string, { ssid, bssid }: HeardBox): Promise<void> {
  const profile = [
    ...['type', 'wifi', 'con-name', name, 'ifname', device, 'ssid', ssid, 'autoconnect', 'no', 'save', 'no', '--'],
    ...['802-11-wireless.bssid', bssid, '802-11-wireless.cloned-mac-address', 'random'],
    ...['ipv4.method', 'disabled', 'ipv6.method', 'link-local'],
  ];
  await runTool('nmcli', ['connection', 'add', ...profile]);
  await runTool('nmcli', ['--wait', String(CONNECT_S), 'connection', 'up', 'id', name]);
}

/** Ends and forgets it. */
export async function disconnect(name: string): Promise<void> {
  await runTool('nmcli', ['connection', 'delete', 'id', name]);
}
