/**
 * The internet of a lab, as one program: a web server with a page and a big file, and a DNS server that knows a few names.
 *
 *   internet.ts WEB_ADDRESS DNS_ADDRESS FILE_BYTES NAME=ADDRESS...
 *
 * Prints one JSON line when it serves, with the file's checksum, and one for each question it is asked over DNS.
 */
import { createCipheriv, createHash } from 'node:crypto';
import { createSocket, type RemoteInfo } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:http';

const CHUNK_BYTES = 65_536;
const DNS_HEADER_BYTES = 12;
const TTL_S = 60;
const TYPE_A = 1;
const FLAGS_ANSWER = 0x8400;
const RCODE_NO_SUCH_NAME = 3;

const [webAddress, dnsAddress, fileBytesText, ...records] = process.argv.slice(2);
const fileBytes = Number(fileBytesText);
const names = new Map(records.map((record) => record.split('=') as [string, string]));

/** The same unguessable bytes each time: AES in counter mode over zeros, so no chunk equals another. */
function* fileChunks(): Generator<Buffer> {
  const stream = createCipheriv('aes-128-ctr', Buffer.alloc(16, 'skywire lab'), Buffer.alloc(16));
  for (let left = fileBytes; left > 0; left -= CHUNK_BYTES)
    yield stream.update(Buffer.alloc(Math.min(left, CHUNK_BYTES)));
}

function say(event: Record<string, unknown>): void {
  process.stdout.write(`${JSON.stringify(event)}\n`);
}

const web = createServer(async (request, response) => {
  if (request.url !== '/file') {
    response.end(`Hello ${request.socket.remoteAddress}, this is ${request.headers.host}.\n`);
    return;
  }
  response.setHeader('content-length', fileBytes);
  for (const chunk of fileChunks()) {
    if (!response.write(chunk)) await Promise.race([once(response, 'drain'), once(response, 'close')]);
    if (response.destroyed) return;
  }
  response.end();
});

/** RFC 1035: the question is repeated, and answered with one A record, no data, or no such name. */
function answerDns(query: Buffer, from: RemoteInfo): Buffer | undefined {
  const labels: string[] = [];
  let at = DNS_HEADER_BYTES;
  while (at < query.length && query[at] !== 0) {
    labels.push(query.toString('latin1', at + 1, at + 1 + query[at]).toLowerCase());
    at += 1 + query[at];
  }
  const questionEnd = at + 5;
  if (questionEnd > query.length) return undefined;
  const name = labels.join('.');
  const address = names.get(name);
  const answers = address !== undefined && query.readUInt16BE(at + 1) === TYPE_A;
  say({ dns: name, from: from.address });
  const header = Buffer.alloc(DNS_HEADER_BYTES);
  query.copy(header, 0, 0, 2);
  header.writeUInt16BE(FLAGS_ANSWER | (address === undefined ? RCODE_NO_SUCH_NAME : 0), 2);
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(answers ? 1 : 0, 6);
  const question = query.subarray(DNS_HEADER_BYTES, questionEnd);
  if (!answers) return Buffer.concat([header, question]);
  const record = Buffer.from([0xc0, DNS_HEADER_BYTES, 0, TYPE_A, 0, 1, 0, 0, 0, TTL_S, 0, 4]);
  return Buffer.concat([header, question, record, Buffer.from(address.split('.').map(Number))]);
}

const dns = createSocket('udp4');
dns.on('message', (query, from) => {
  const answer = answerDns(query, from);
  if (answer) dns.send(answer, from.port, from.address);
});
dns.bind(53, dnsAddress);
web.listen(80, webAddress);
await Promise.all([once(dns, 'listening'), once(web, 'listening')]);

const hash = createHash('sha256');
for (const chunk of fileChunks()) hash.update(chunk);
say({ ready: true, fileBytes, sha256: hash.digest('hex') });
