/** Quantities as people read them. */

const BYTE_UNITS = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'] as const;

/** Decimal units, three significant digits: `999 B`, `1.20 MB`. */
export function bytesText(bytes: number): string {
  return scaledText(bytes, BYTE_UNITS);
}

const BIT_RATE_UNITS = ['b/s', 'kb/s', 'Mb/s', 'Gb/s', 'Tb/s'] as const;

/** Bits a second, three significant digits: `0 b/s`, `2.31 Mb/s`. */
export function bitRateText(bitsPerSecond: number): string {
  return scaledText(bitsPerSecond, BIT_RATE_UNITS);
}

/** A share of one: `0 %`, `0.42 %`, `4.2 %`, `51 %`. */
export function percentText(share: number): string {
  const percent = share * 100;
  if (percent === 0) return '0 %';
  if (percent < 0.995) return `${percent.toFixed(2)} %`;
  return `${percent < 9.95 ? percent.toFixed(1) : percent.toFixed(0)} %`;
}

/** As `millisecondsText`; a dash for what is not known. */
export function roundTripText(ms: number | null): string {
  return ms === null ? '-' : millisecondsText(ms);
}

/** `0.41 ms`, `12.3 ms`, `4.20 s`. */
export function millisecondsText(ms: number): string {
  return ms < 999.5 ? `${threeDigits(ms)} ms` : `${threeDigits(ms / 1000)} s`;
}

/** The two largest units: `42 s`, `3 h 12 min`, `5 d 1 h`. */
export function durationText(seconds: number): string {
  const whole = Math.floor(seconds);
  const days = Math.floor(whole / 86_400);
  const hours = Math.floor(whole / 3600) % 24;
  const minutes = Math.floor(whole / 60) % 60;
  if (days > 0) return `${days} d ${hours} h`;
  if (hours > 0) return `${hours} h ${minutes} min`;
  return minutes > 0 ? `${minutes} min ${whole % 60} s` : `${whole} s`;
}

/** How long ago something was: `just now`, `0.3 s ago`, `12 s ago`, `3 h 12 min ago`. */
export function agoText(ms: number): string {
  if (ms < 100) return 'just now';
  return ms < 9950 ? `${(ms / 1000).toFixed(1)} s ago` : `${durationText(ms / 1000)} ago`;
}

/** `1 route`, `2 routes`. */
export function countText(count: number, singular: string, plural = `${singular}s`): string {
  return `${count} ${count === 1 ? singular : plural}`;
}

function scaledText(amount: number, units: readonly string[]): string {
  let value = amount;
  let unit = 0;
  // 999.5 would be rounded to a fourth digit.
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit === 0 ? Math.round(value) : threeDigits(value)} ${units[unit]}`;
}

function threeDigits(value: number): string {
  if (value < 9.995) return value.toFixed(2);
  return value < 99.95 ? value.toFixed(1) : value.toFixed(0);
}
