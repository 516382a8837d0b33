/**
 * A unit of the lab's for an emulated machine, whose system stays as it is: systemd takes it from outside as a credential
 * (systemd.system-credentials(7), systemd-debug-generator(8)).
 */

export const LAB_UNIT = 'lab.service';
/** What makes a unit of the credential. */
export const UNIT_CREDENTIAL = `systemd.extra-unit.${LAB_UNIT}`;

/** Runs `script` in a shell once the node runs; without single quotes. Where that fails, the machine is switched off. */
export function labUnit(script: string): string {
  const failed = 'echo "<2>lab: its script failed" > /dev/kmsg; systemctl poweroff -ff';
  const start = `{ ${script}; } || { ${failed}; }`.replaceAll('%', '%%').replaceAll('$', '$$$$');
  return `[Unit]\nAfter=skywire-announce.service\n[Service]\nType=oneshot\nExecStart=/bin/sh -c '${start}'\n`;
}

/** On the console: the first line of its configuration that names it, its system, and what of that did not start. */
export const LOOK =
  'echo "<2>lab: $(grep ^name /etc/skywire/skywired.toml) $(cat /usr/share/skywire/image/release.json) failed:$(systemctl --failed --plain --no-legend)" > /dev/kmsg';
export const SEEN = /lab: name = "([^"]*)" .*"version":(\d+)\} failed:(.*)/;
