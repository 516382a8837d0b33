import { expect, test } from 'vitest';
import { readDevices } from '../../../../src/os/wifi/nmcli-text.ts';

test('devices of NetworkManager, whatever their connections are called', () => {
  const text = [
    'wlan0:wifi:connected:Upstairs\\: left \\\\ right',
    'wlan1:wifi:disconnected:',
    'p2p-dev-wlan0:wifi-p2p:disconnected:',
    'eth0:ethernet:connecting (getting IP configuration):Wired connection 1',
    'lo:loopback:unmanaged:',
    '',
  ].join('\n');
  expect(readDevices(text)).toEqual([
    { name: 'wlan0', type: 'wifi', state: 'connected', connection: 'Upstairs: left \\ right' },
    { name: 'wlan1', type: 'wifi', state: 'disconnected', connection: '' },
    { name: 'p2p-dev-wlan0', type: 'wifi-p2p', state: 'disconnected', connection: '' },
    {
      name: 'eth0',
      type: 'ethernet',
      state: 'connecting (getting IP configuration)',
      connection: 'Wired connection 1',
    },
    { name: 'lo', type: 'loopback', state: 'unmanaged', connection: '' },
  ]);
});

test('nothing is no device', () => {
  expect(readDevices('')).toEqual([]);
});
