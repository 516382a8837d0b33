/** The answers to a packet are treated as the packet asked, and nobody else's are. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { SeededRandom } from '../../../src/base/seeded-random.ts';
import { BULK, REAL_TIME } from '../../../src/base/traffic-class.ts';
import { formatIpv4 } from '../../../src/control/ip-text.ts';
import { Classifier } from '../../../src/tunnel/classifier.ts';
import { TREATMENT_LIFE_MS } from '../../../src/tunnel/tuning.ts';
import { PROTOCOL } from '../../../src/wire/ip.ts';
import { TREATMENT } from '../../../src/wire/tunnel-message.ts';
import { packet } from '../../unit/tunnel/packets.ts';

const NO_RULES = { dscp: false, icmp: false, dns: false, sparse: false };
const LANES = {
  [TREATMENT.lowLatency]: { trafficClass: REAL_TIME, twice: false },
  [TREATMENT.highThroughput]: { trafficClass: BULK, twice: false },
  [TREATMENT.redundant]: { trafficClass: REAL_TIME, twice: true },
};
const OWN_LANE = { trafficClass: BULK, twice: false };

/** Few of each, so that flows differ in one field only. */
const flow = fc.record({
  client: fc.constantFrom(0x0a400002, 0x0a400003).map(formatIpv4),
  far: fc.constantFrom(0xc0000207, 0xc6336450).map(formatIpv4),
  protocol: fc.constantFrom(PROTOCOL.tcp, PROTOCOL.udp, PROTOCOL.icmp),
  clientPort: fc.constantFrom(0, 443, 50_000),
  farPort: fc.constantFrom(443, 50_000),
});
type Flow = typeof flow extends fc.Arbitrary<infer T> ? T : never;

/** An ICMP flow has no ports. */
const nameOf = ({ client, far, protocol, clientPort, farPort }: Flow) =>
  [client, far, protocol, ...(protocol === PROTOCOL.icmp ? [] : [clientPort, farPort])].join(' ');

test('the last packet of a flow that asked within a minute decides', () => {
  const asked = fc.record({
    flow,
    treatment: fc.constantFrom(TREATMENT.lowLatency, TREATMENT.highThroughput, TREATMENT.redundant),
    afterMs: fc.nat(TREATMENT_LIFE_MS),
  });
  fc.assert(
    fc.property(fc.array(asked, { maxLength: 20 }), fc.array(flow, { maxLength: 20 }), (asks, answers) => {
      const classifier = new Classifier(new SeededRandom(1, 'flows'), NO_RULES);
      const reference = new Map<string, { treatment: keyof typeof LANES; at: number }>();
      let now = 0;
      for (const ask of asks) {
        now += ask.afterMs;
        const { client, far, protocol, clientPort, farPort } = ask.flow;
        const bytes = packet(client, far, { protocol, sourcePort: clientPort, port: farPort });
        classifier.noteAnswers(bytes, 0, bytes.length, ask.treatment, now);
        reference.set(nameOf(ask.flow), { treatment: ask.treatment, at: now });
      }
      for (const answer of answers) {
        const { client, far, protocol, clientPort, farPort } = answer;
        const bytes = packet(far, client, { protocol, sourcePort: farPort, port: clientPort });
        const { trafficClass, twice } = classifier.classify(bytes, 0, bytes.length, now);
        const known = reference.get(nameOf(answer));
        const isFresh = known !== undefined && now - known.at <= TREATMENT_LIFE_MS;
        expect({ trafficClass, twice }).toEqual(isFresh ? LANES[known.treatment] : OWN_LANE);
      }
    }),
  );
});
