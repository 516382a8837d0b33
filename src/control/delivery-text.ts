/**
 * How long lost pieces are sent again (docs/protocol.md section 3.3), as people write it: `reliable`, `unreliable`, or a
 * deadline such as `150ms` or `2s`.
 */
import { DEADLINE_MAX_MS, type DeliveryMs, RELIABLE, SENT_ONCE } from '../base/traffic-class.ts';

const DEADLINE = /^([1-9][0-9]{0,4})(ms|s)$/;

/** What is wrong with a text that `parseDelivery` does not take, and what to write. */
export const DELIVERY_COMPLAINT = `must be "reliable", "unreliable" or a deadline from "1ms" to "${DEADLINE_MAX_MS}ms"`;
export const DELIVERY_REMEDY =
  'Write "reliable" (lost data is sent again), "unreliable" (it is not), or how long it is tried, like "150ms"';

export function parseDelivery(text: string): DeliveryMs | undefined {
  if (text === 'reliable') return RELIABLE;
  if (text === 'unreliable') return SENT_ONCE;
  const match = DEADLINE.exec(text);
  if (match === null) return undefined;
  const deadlineMs = Number(match[1]) * (match[2] === 's' ? 1_000 : 1);
  return deadlineMs <= DEADLINE_MAX_MS ? deadlineMs : undefined;
}

export function formatDelivery(deliveryMs: DeliveryMs): string {
  if (deliveryMs === RELIABLE) return 'reliable';
  return deliveryMs === SENT_ONCE ? 'unreliable' : `${deliveryMs}ms`;
}
