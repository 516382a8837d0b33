/** The version of this program, as `package.json` has it (a test compares them), and of what it speaks. */
export const VERSION = '0.1.0';
/** docs/protocol.md. */
export const WIRE_VERSION = 1;
/** docs/cli.md, section "The control socket". */
export const CONTROL_VERSION = 1;
