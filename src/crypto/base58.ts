/** Base58 with Bitcoin's alphabet, which Skycoin shares. Slow (quadratic): for the 25 bytes of an address only. */
const ALPHABET = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz';
const RADIX = 58n;

/** Each leading zero byte becomes a leading `1`. */
export function encodeBase58(bytes: Uint8Array): string {
  let value = 0n;
  for (const byte of bytes) value = value * 256n + BigInt(byte);
  let text = '';
  for (; value > 0n; value /= RADIX) text = ALPHABET[Number(value % RADIX)] + text;
  for (let i = 0; i < bytes.length && bytes[i] === 0; i++) text = ALPHABET[0] + text;
  return text;
}

/** The bytes when the text is base58 of exactly `length` bytes, else undefined. */
export function decodeBase58(text: string, length: number): Uint8Array | undefined {
  // 1.37 digits a byte; whatever is longer can't be right and must not cost quadratic time.
  if (text.length > Math.ceil(length * 1.4)) return undefined;
  let value = 0n;
  for (const char of text) {
    const digit = ALPHABET.indexOf(char);
    if (digit < 0) return undefined;
    value = value * RADIX + BigInt(digit);
  }
  const bytes = new Uint8Array(length);
  for (let i = length - 1; i >= 0; i--, value /= 256n) bytes[i] = Number(value % 256n);
  // Also refuses a text with too few or too many leading `1`, so that every byte string has one text.
  return value === 0n && encodeBase58(bytes) === text ? bytes : undefined;
}
