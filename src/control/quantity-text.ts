/** Amounts of memory, rates and shares as people write them. Strict about the unit: a bit is not a byte. */

/** `MB` is a million bytes, `MiB` 2^20. */
const BYTES_OF: Readonly<Record<string, number>> = {
  kB: 1e3,
  MB: 1e6,
  GB: 1e9,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
};
const BITS_OF: Readonly<Record<string, number>> = { kbit: 1e3, Mbit: 1e6, Gbit: 1e9 };

const QUANTITY = /^([0-9]{1,6}(?:\.[0-9]{1,3})?) ?([A-Za-z]{2,4}|%)$/;

/** `64MB`, `1.5 GiB`: whole bytes. */
export function parseBytes(text: string): number | undefined {
  const bytes = parseQuantity(text, BYTES_OF);
  return bytes === undefined ? undefined : Math.round(bytes);
}

/** `20Mbit`, `512 kbit`: bits a second. */
export function parseBitRate(text: string): number | undefined {
  return parseQuantity(text, BITS_OF);
}

/** `80%` is 0.8. More than the whole is no share. */
export function parseShare(text: string): number | undefined {
  const percent = parseQuantity(text, { '%': 1 });
  return percent === undefined || percent > 100 ? undefined : percent / 100;
}

function parseQuantity(text: string, units: Readonly<Record<string, number>>): number | undefined {
  const match = QUANTITY.exec(text);
  if (match === null || !Object.hasOwn(units, match[2])) return undefined;
  return Number(match[1]) * units[match[2]];
}
