import type { LabProcess } from '../../lab/harness/lab-process.ts';

/** From the client to the server. */
export interface Way {
  /** Where the client finds the server. */
  readonly server: string;
  /** The processes whose time and memory count; the way works when it resolves. */
  up(): Promise<readonly LabProcess[]>;
  down(): Promise<void>;
}
