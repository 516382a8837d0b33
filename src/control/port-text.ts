/** Ports of TCP and UDP as people write them: one, or a range with both its ends. */

export interface PortRange {
  readonly first: number;
  readonly last: number;
}

/** `443` or `10000-20000`, from 1 to 65535. */
export function parsePorts(text: string): PortRange | undefined {
  const match = /^([1-9][0-9]{0,4})(?:-([1-9][0-9]{0,4}))?$/.exec(text);
  if (match === null) return undefined;
  const first = Number(match[1]);
  const last = Number(match[2] ?? match[1]);
  return first <= last && last <= 65_535 ? { first, last } : undefined;
}

export function formatPorts({ first, last }: PortRange): string {
  return first === last ? String(first) : `${first}-${last}`;
}
