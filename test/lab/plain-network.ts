/**
 * The lab itself, without any daemon: if this fails, no other lab means anything.
 *
 *   laptop ──eth0── box ──out── internet
 *                  dnsmasq      web and DNS server
 *             50 Mb/s each way
 */
import type { RunContext, RunResult } from '../../scripts/run-contract.ts';
import { Capture } from './harness/capture.ts';
import {
  fetchPage,
  pingTimes,
  RunningDownload,
  resolveName,
  runIperf,
  startInternet,
  startIperf,
  takeDhcpLease,
} from './harness/clients.ts';
import { Lab } from './harness/lab.ts';
import { until } from './harness/until.ts';

export const about = 'the lab without a daemon: DHCP, DNS, web, shaping, captures and cuts work on plain hosts';
export const takes = '10 s';
export const gate = true;

const RATE_MBIT = 50;
/** TCP payload in a full frame of 1,514 bytes, timestamps on. */
const PAYLOAD_SHARE = 1448 / 1514;
const FILE_BYTES = 12_000_000;
const WEB = '198.51.100.80';
const CUT_MS = 700;

export async function run(context: RunContext): Promise<RunResult> {
  const lab = new Lab(context);
  const laptop = lab.addHost('laptop');
  const box = lab.addHost('box');
  const internetHost = lab.addHost('internet');
  lab.connect({ host: laptop, device: 'eth0' }, { host: box, device: 'lan', addresses: ['192.168.7.1/24'] });
  lab.connect(
    { host: box, device: 'out', addresses: ['203.0.113.2/24'] },
    { host: internetHost, device: 'eth0', addresses: ['203.0.113.1/24'] },
  );
  internetHost.addAddress('lo', `${WEB}/32`);
  internetHost.addRoute('192.168.7.0/24', '203.0.113.2');
  box.addRoute('default', '203.0.113.1');
  box.sysctl('net.ipv4.ip_forward', 1);
  box.shape('lan', RATE_MBIT, 50);
  box.shape('out', RATE_MBIT, 50);

  const internet = await startInternet(internetHost, {
    web: WEB,
    dns: WEB,
    fileBytes: FILE_BYTES,
    names: { 'www.example.net': WEB },
  });
  const dhcpOptions = [
    '--dhcp-range=192.168.7.10,192.168.7.20',
    `--dhcp-option=6,${WEB}`,
    '--dhcp-leasefile=/dev/null',
  ];
  const dnsmasq = box.start('dnsmasq', 'dnsmasq', [
    '-k',
    '-C',
    '/dev/null',
    '--port=0',
    '--interface=lan',
    ...dhcpOptions,
  ]);
  const leased = await takeDhcpLease(laptop, 'eth0').catch((error) => {
    throw new Error(`${error}\n${dnsmasq.tail()}`);
  });

  const capture = await Capture.start(lab, box, 'out');
  const resolved = resolveName(laptop, 'www.example.net');
  const page = fetchPage(laptop, 'http://www.example.net/');
  const [pingMs] = pingTimes(laptop, WEB, 1);
  await capture.waitFor('the DNS question on the wire', (packet) => packet.destinationPort === 53);
  await capture.waitFor('the page on the wire', (packet) => Buffer.from(packet.payload).includes('Hello 192.168.7'));

  const plain = await new RunningDownload(laptop, 'http://www.example.net/file').finished;
  const cut = await downloadWithCut();
  await startIperf(internetHost, WEB);
  const iperfMbit = await runIperf(laptop, WEB, { seconds: 2, reverse: true });
  const packets = await capture.stop();
  const downloadMbit = (plain.bytes * 8) / (plain.ms - plain.firstByteMs) / 1000;

  return {
    pass:
      leased.startsWith('192.168.7.') &&
      resolved === WEB &&
      page.includes('www.example.net') &&
      plain.sha256 === internet.sha256 &&
      cut.sha256 === internet.sha256 &&
      cut.longestStallMs >= CUT_MS &&
      Math.abs(downloadMbit / (RATE_MBIT * PAYLOAD_SHARE) - 1) < 0.1 &&
      packets.length > FILE_BYTES / 65_536,
    leased,
    pingMs,
    downloadMbit,
    iperfMbit,
    idealMbit: RATE_MBIT * PAYLOAD_SHARE,
    longestStallMs: plain.longestStallMs,
    longestStallOfCutMs: cut.longestStallMs,
    packets: packets.length,
  };

  /** A cut that the download survives, and that its stall clock must notice. */
  async function downloadWithCut() {
    const download = new RunningDownload(laptop, 'http://www.example.net/file');
    await until('a quarter of the file', 10_000, () => download.bytes > FILE_BYTES / 4);
    box.setLink('out', 'down');
    await new Promise((resolve) => setTimeout(resolve, CUT_MS));
    box.setLink('out', 'up');
    box.addRoute('default', '203.0.113.1');
    return download.finished;
  }
}
