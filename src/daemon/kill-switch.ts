/**
 * The kill switch of a configuration: what is loaded before any network comes up, and once more when the daemon starts.
 * With a configuration that can't be read, what an earlier start loaded stays; where nothing is loaded, everything is locked.
 */
import type { Config } from '../control/config.ts';
import { nobleCurve } from '../crypto/noble-curve.ts';
import { resolverUser } from '../os/dnsmasq.ts';
import { applyRuleset, isKillSwitchLoaded, killSwitchRuleset, lockedRuleset } from '../os/firewall.ts';
import { loadConfig } from './config-file.ts';

/** Loads the kill switch of a configuration file. @throws Failure config-invalid (after locking), system-tool, not-permitted */
export async function loadKillSwitch(file: string, print: (line: string) => void): Promise<void> {
  const config = await readOrLock(file, print);
  await applyKillSwitch(config);
}

/** A node without a LAN has nothing to keep in, and gets no kill switch. */
export async function applyKillSwitch(config: Config): Promise<void> {
  const { lan, tunnel, gateway, policy, hotspot } = config;
  if (lan === undefined) return;
  await applyRuleset(
    killSwitchRuleset({
      lan: lan.interface,
      tun: tunnel.interface,
      lanAddress: lan.address,
      mtuBytes: tunnel.mtuBytes,
      resolverUid: resolverUser().uid,
      policy,
      hotspot,
      ...(gateway === undefined ? {} : { gatewayTun: gateway.interface }),
    }),
  );
}

async function readOrLock(file: string, print: (line: string) => void): Promise<Config> {
  try {
    return loadConfig(file, nobleCurve, print);
  } catch (error) {
    if (await isKillSwitchLoaded()) print('skywired: the kill switch of the last good configuration stays loaded');
    else {
      await applyRuleset(lockedRuleset(resolverUser().uid));
      print('skywired: locked: nothing is forwarded until the configuration is mended');
    }
    throw error;
  }
}
