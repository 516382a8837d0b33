/** What `nmcli --terse` prints, read: a line for each thing, its fields between colons, and a colon in a field behind a backslash. */

/** An interface as NetworkManager sees it. */
export interface ManagedDevice {
  readonly name: string;
  /** `wifi`, `ethernet` and others. */
  readonly type: string;
  /** `unmanaged`, `disconnected`, `connecting (getting IP configuration)`, `connected` and others. */
  readonly state: string;
  /** Name of the connection that is up on it, or coming up; empty: none. */
  readonly connection: string;
}

/** Of `nmcli --terse --fields DEVICE,TYPE,STATE,CONNECTION device status`. */
export function readDevices(text: string): ManagedDevice[] {
  const lines = text.split('\n').filter((line) => line !== '');
  return lines.map((line) => {
    const [name = '', type = '', state = '', connection = ''] = fieldsOf(line);
    return { name, type, state, connection };
  });
}

function fieldsOf(line: string): string[] {
  const fields = line.match(/(?:[^:\\]|\\.)*(?::|$)/g) ?? [];
  return fields.map((field) => field.replace(/:$/, '').replace(/\\(.)/g, '$1'));
}
