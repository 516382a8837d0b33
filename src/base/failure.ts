/**
 * Operational failures: what a person can mend. Each has a stable code (scripts may rely on it), a sentence that says
 * what is wrong, a remedy, and the exit code that the programs end with (docs/exit-codes.md).
 */
export const EXIT_CODES = {
  ok: 0,
  failed: 1,
  usage: 2,
  'config-invalid': 3,
  'not-permitted': 4,
  'address-in-use': 5,
  'tun-unavailable': 6,
  'key-file': 7,
  'not-running': 8,
  'gateway-unreachable': 9,
  'system-tool': 10,
} as const;

export type FailureCode = Exclude<keyof typeof EXIT_CODES, 'ok'>;

export class Failure extends Error {
  readonly code: FailureCode;
  readonly remedy: string;

  constructor(code: FailureCode, message: string, remedy: string) {
    super(message);
    this.name = 'Failure';
    this.code = code;
    this.remedy = remedy;
  }

  get exitCode(): number {
    return EXIT_CODES[this.code];
  }
}
