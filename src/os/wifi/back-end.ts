/**
 * Who works a radio: this daemon with interfaces and programs of its own (own-radio.ts), or NetworkManager where it has the radio
 * (managed-radio.ts). Both carry out the same decisions (radio-driver.ts). All of these throw Failure system-tool when the system does not do it.
 */
import { Failure } from '../../base/failure.ts';
import type { RadioMode } from '../../control/config-schema.ts';
import type { RadioPlan } from '../../radio/plan.ts';
import type { HeardBox, RadioCapabilities } from '../../radio/radio.ts';

export interface RadioBackEnd {
  /** What the radio becomes; undefined: it can't be what is asked for. */
  plan(can: RadioCapabilities, mode: RadioMode): RadioPlan | undefined;
  /** Makes interfaces, and networks that others join. Names of the interfaces that are stations when told so. */
  open(plan: RadioPlan, frequencyMhz: number): Promise<readonly string[]>;
  /** The networks that others join, on another frequency. */
  move(frequencyMhz: number): Promise<void>;
  scan(frequenciesMhz: readonly number[]): Promise<HeardBox[]>;
  /** A station that is not yet in any network. `left` is called when it was in one and is out again. */
  station(name: string, left: (reason: string) => void): Station;
  /** Once in a few seconds. Throws when what was opened is not there any more. @returns direct neighbours in the mesh */
  look(): Promise<number>;
  /** Takes back what was made, as far as it is there. Stations have left before. */
  close(): Promise<void>;
}

export interface Station {
  /** Resolves when it is in. @throws Failure system-tool */
  join(box: HeardBox): Promise<void>;
  leave(): Promise<void>;
}

/** For what may be gone already, or be taken back by somebody else meanwhile. */
export async function attempt(step: Promise<unknown>): Promise<void> {
  try {
    await step;
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
  }
}
