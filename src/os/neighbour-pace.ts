/**
 * How often the kernel asks for a neighbour's hardware address (ARP, and neighbour discovery of IPv6). After a silence it does so before
 * anything goes there again, by itself once a second: as long as that, everything would wait that the daemon sends every quarter of a second.
 *
 * The LAN keeps its pace, for phones sleep: after three questions the kernel tells a neighbour's packets that it is unreachable.
 */
import { existsSync, readdirSync } from 'node:fs';
import { readSysctl, UndoList } from './undo-list.ts';

/** As often as a link that is gone is called (docs/protocol.md section 2.1), in whole ticks of any kernel. */
const RETRY_MS = 240;
const TABLES = ['net/ipv4/neigh', 'net/ipv6/neigh'];

export class NeighbourPace {
  private readonly lan: string | undefined;
  private readonly undo = new UndoList();

  constructor(lan: string | undefined) {
    this.lan = lan;
  }

  /** Every interface but the LAN's, and those that come later. @throws Failure not-permitted */
  start(): void {
    for (const table of TABLES.filter((name) => existsSync(`/proc/sys/${name}`))) {
      for (const device of readdirSync(`/proc/sys/${table}`)) {
        const own = `${table}/${device}/retrans_time_ms`;
        if (device !== this.lan && Number(readSysctl(own) ?? 0) > RETRY_MS) this.undo.sysctl(own, RETRY_MS);
      }
    }
  }

  async stop(): Promise<void> {
    await this.undo.run();
  }
}
