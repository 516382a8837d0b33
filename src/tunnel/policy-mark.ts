/**
 * How the rules of `[[policy]]` reach the tunnel. The kernel applies them (os/policy-chain.ts), since it alone sees which client of the LAN
 * a packet came from, and which packets never reach the tunnel. What a rule chose stands in the packet's code
 * point, one of those that RFC 2474 section 6 leaves to local use (xxxx11), and is taken off here.
 */
import { clearDscp, dscpOf } from '../wire/ip.ts';
import { TREATMENT, type Treatment } from '../wire/tunnel-message.ts';

const LOCAL_USE = 0b11;
const LOCAL_USE_BITS = 2;

/** The code point that stands for a treatment. */
export function policyCodePoint(treatment: Treatment): number {
  return (treatment << LOCAL_USE_BITS) | LOCAL_USE;
}

/** What a rule chose for the IPv4 packet at `at`; takes its mark off. */
export function takePolicyMark(packet: Uint8Array, at: number): Treatment {
  const codePoint = dscpOf(packet, at);
  const treatment = codePoint >>> LOCAL_USE_BITS;
  const isOurs = (codePoint & LOCAL_USE) === LOCAL_USE && treatment <= TREATMENT.redundant;
  if (!isOurs || treatment === TREATMENT.own) return TREATMENT.own;
  clearDscp(packet, at);
  return treatment as Treatment;
}
