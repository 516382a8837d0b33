/** Lines as NetworkManager 1.42 prints them. */
import { expect, test } from 'vitest';
import { readDevices } from '../../../../src/os/wifi/nmcli-text.ts';

test('devices of NetworkManager, whatever their connections are called', () => {
  const text = [
    'lo:loopback:connected (externally):lo',
    'eth7:ethernet:connected:a\\:b\\\\c',
    'eth8:ethernet:unmanaged:',
    'wlan0:wifi:disconnected:',
    '',
  ].join('\n');
  expect(readDevices(text)).toEqual([
    { name: 'lo', type: 'loopback', state: 'connected (externally)', connection: 'lo' },
    { name: 'eth7', type: 'ethernet', state: 'connected', connection: 'a:b\\c' },
    { name: 'eth8', type: 'ethernet', state: 'unmanaged', connection: '' },
    { name: 'wlan0', type: 'wifi', state: 'disconnected', connection: '' },
  ]);
});

test('nothing is no device', () => {
  expect(readDevices('')).toEqual([]);
});
