/** Quantities as people read them. */

const BYTE_UNITS = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'] as const;

/** Decimal units, three significant digits: `999 B`, `1.20 MB`. */
export function bytesText(bytes: number): string {
  let value = bytes;
  let unit = 0;
  // 999.5 would be rounded to a fourth digit.
  while (value >= 999.5 && unit < BYTE_UNITS.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit === 0 ? Math.round(value) : threeDigits(value)} ${BYTE_UNITS[unit]}`;
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

function threeDigits(value: number): string {
  if (value < 9.995) return value.toFixed(2);
  return value < 99.95 ? value.toFixed(1) : value.toFixed(0);
}
