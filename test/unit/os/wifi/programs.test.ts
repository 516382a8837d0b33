/** What hostapd and wpa_supplicant are told, and the rules of what comes over the air. */
import { expect, test } from 'vitest';
import { channelOf, hostapdConfig } from '../../../../src/os/wifi/access-point.ts';
import { supplicantConfig } from '../../../../src/os/wifi/own-station.ts';
import { wifiRuleset } from '../../../../src/os/wifi-firewall.ts';

const OPTIONS = {
  interface: 'sky-ap0',
  ssid: 'skywire-00010203',
  frequencyMhz: 2437,
  country: 'DE',
  element: Uint8Array.of(0xdd, 2, 1, 0xff),
  isolated: false,
};

test('an access point of a box says who it is', () => {
  const lines = hostapdConfig(OPTIONS).split('\n');
  for (const line of [
    'interface=sky-ap0',
    'channel=6',
    'hw_mode=g',
    'country_code=DE',
    'vendor_elements=dd0201ff',
    'ap_isolate=0',
  ]) {
    expect(lines).toContain(line);
  }
  expect(lines.some((line) => /^ctrl_interface|^wpa/.test(line))).toBe(false);
});

test('a hotspot says nothing of the box and keeps its clients apart', () => {
  const lines = hostapdConfig({ ...OPTIONS, element: undefined, isolated: true }).split('\n');
  expect(lines).toContain('ap_isolate=1');
  expect(lines.some((line) => line.startsWith('vendor_elements'))).toBe(false);
});

test('no name of a network gets out of its line', () => {
  const evil = 'x\nignore_broadcast_ssid=1\nssid=y';
  expect(hostapdConfig({ ...OPTIONS, ssid: evil })).not.toMatch(/^ignore_broadcast_ssid/m);
  const box = {
    hash: undefined,
    ssid: 'x"\n}\nctrl_interface=/tmp',
    bssid: '02:00:00:00:00:01',
    frequencyMhz: 2412,
    signalDbm: -30,
  };
  const text = supplicantConfig(box);
  expect(text).not.toMatch(/ctrl_interface/);
  expect(text).toContain(`ssid=${Buffer.from(box.ssid).toString('hex')}\n`);
});

test('channels have the numbers that people know', () => {
  expect([2412, 2437, 2472, 2484, 5180, 5825].map(channelOf)).toEqual([1, 6, 13, 14, 36, 165]);
  expect(hostapdConfig({ ...OPTIONS, frequencyMhz: 5180 })).toMatch(/^hw_mode=a$/m);
});

test('over the air the links and beacons are reached, and nothing is forwarded', () => {
  const rules = wifiRuleset([6969], []);
  expect(rules).toContain('udp dport { 6970, 6969 } accept');
  expect(rules).not.toContain('tcp dport');
  expect(wifiRuleset([6969, 7000], [443])).toContain('tcp dport { 443 } accept');
  expect(rules.match(/goto neither/g)).toHaveLength(8);
  expect(rules).toContain('iifname @lent goto from_radio');
});
