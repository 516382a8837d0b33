/** Node.js complains about arguments with errors of its own: this makes them one line and a remedy. */
import { Failure } from '../base/failure.ts';

/** What `read`, a call of `parseArgs`, gives. `command` is whose help is named. @throws Failure usage */
export function readOptions<Options>(command: string, read: () => Options): Options {
  try {
    return read();
  } catch (error) {
    throw new Failure('usage', (error as Error).message.split('. ')[0], `See \`${command} --help\``);
  }
}
