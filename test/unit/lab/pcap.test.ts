import { expect, test } from 'vitest';
import { readPcap } from '../../lab/harness/pcap.ts';

const FILE_HEADER = Buffer.from('d4c3b2a1020004000000000000000000ffff000001000000', 'hex');

function record(frame: Buffer): Buffer {
  const header = Buffer.alloc(16);
  header.writeUInt32LE(1_700_000_000, 0);
  header.writeUInt32LE(500_000, 4);
  header.writeUInt32LE(frame.length, 8);
  header.writeUInt32LE(frame.length, 12);
  return Buffer.concat([header, frame]);
}

const ETHERNET_IPV4 = Buffer.from('0200000000010200000000020800', 'hex');
const ETHERNET_IPV6 = Buffer.from('02000000000102000000000286dd', 'hex');
const udp = (payload: string) => Buffer.concat([Buffer.from('1b3900350010abcd', 'hex'), Buffer.from(payload)]);
const ipv4Udp = Buffer.concat([
  ETHERNET_IPV4,
  Buffer.from('450000240000400040110000c0a82a02c0000235', 'hex'),
  udp('question'),
]);

test('a UDP packet over IPv4 is read with addresses, ports and payload, without the padding of its frame', () => {
  const [packet] = readPcap(Buffer.concat([FILE_HEADER, record(Buffer.concat([ipv4Udp, Buffer.alloc(10)]))]));
  expect(packet).toMatchObject({ family: 4, source: '192.168.42.2', destination: '192.0.2.53', protocol: 17 });
  expect(packet).toMatchObject({ sourcePort: 6969, destinationPort: 53, time: 1_700_000_000.5 });
  expect(Buffer.from(packet.payload).toString()).toBe('question');
});

test('a packet over IPv6 is read with its addresses', () => {
  const header = Buffer.alloc(40);
  header[0] = 0x60;
  header.writeUInt16BE(8, 4);
  header[6] = 58;
  header.writeUInt16BE(0xfe80, 8);
  header.writeUInt16BE(0xff02, 24);
  const frame = Buffer.concat([ETHERNET_IPV6, header, Buffer.from('8700000000000000', 'hex')]);
  const [packet] = readPcap(Buffer.concat([FILE_HEADER, record(frame)]));
  expect(packet).toMatchObject({
    family: 6,
    source: 'fe80:0:0:0:0:0:0:0',
    destination: 'ff02:0:0:0:0:0:0:0',
    protocol: 58,
  });
  expect(packet.payload[0]).toBe(135);
});

test('what is not IP is kept as a frame', () => {
  const arp = Buffer.concat([Buffer.from('0200000000010200000000020806', 'hex'), Buffer.alloc(28)]);
  expect(readPcap(Buffer.concat([FILE_HEADER, record(arp)]))[0]).toMatchObject({ family: 0, protocol: 0 });
});

test('a record that is still being written is left out', () => {
  const whole = record(ipv4Udp);
  const file = Buffer.concat([FILE_HEADER, whole, whole.subarray(0, whole.length - 1)]);
  expect(readPcap(file)).toHaveLength(1);
  expect(readPcap(FILE_HEADER.subarray(0, 10))).toEqual([]);
});

test('a file that is no capture of Ethernet is refused', () => {
  expect(() => readPcap(Buffer.alloc(24))).toThrow('not a pcap file');
});
