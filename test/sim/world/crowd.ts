/**
 * A box on a segment with strangers by the dozen, all with right keys and signatures, and one good neighbour. Strangers come in waves, as many
 * as are let in, and stay for hours or seconds; half of them also call from afar. The box restarts now and then and keeps its file.
 */
import { toHex } from '../../../src/base/bytes.ts';
import type { NodeKey } from '../../../src/base/ids.ts';
import { SeededRandom } from '../../../src/base/seeded-random.ts';
import { DISCOVERY_TUNING } from '../../../src/discovery/tuning.ts';
import { ipv6Segment, linkLocal } from '../../unit/discovery/endpoints.ts';
import { DiscoveringBox, identityOf } from '../../unit/discovery/segment-network.ts';

const IN_A_WAVE = 40;
const RESTART_EVERY = 20;
const SEGMENT = 1;
const FIRST_DAY_MS = 3_600_000;
const MAX_WAVE_MS = 600_000;

export class Crowd {
  private readonly waves: number;
  private readonly random: SeededRandom;
  private readonly kept = { lines: [] as readonly string[], saves: 0 };
  private readonly good = identityOf('good neighbour').key;
  private box: DiscoveringBox;
  private strangers: NodeKey[] = [];
  private names = 0;

  constructor(seed: number, waves: number) {
    this.waves = waves;
    this.random = new SeededRandom(seed, 'crowd');
    this.box = this.boot(0);
  }

  run() {
    this.comesBack();
    this.box.run(FIRST_DAY_MS);
    let putOut = 0;
    let refused = 0;
    let forgotten = 0;
    let most = 0;
    for (let wave = 0; wave < this.waves; wave++) {
      if (wave % RESTART_EVERY === RESTART_EVERY - 1) {
        this.box = this.boot(this.box.now);
        // Strangers are quicker.
        this.wave();
        if (!this.comesBack()) refused++;
      } else this.wave();
      this.box.run(this.box.now + this.random.integer(MAX_WAVE_MS));
      const found = [...this.box.discovery.peers()];
      most = Math.max(most, found.length);
      if (!found.some(({ key, state }) => toHex(key) === toHex(this.good) && state === 'up')) putOut++;
      this.box.discovery.stop(this.box.now);
      if (!this.kept.lines.some((line) => line.startsWith(toHex(this.good)))) forgotten++;
    }
    const { maxFound, placesForRemembered, maxRemembered } = DISCOVERY_TUNING;
    const bounded = most <= maxFound + placesForRemembered && this.kept.lines.length <= maxRemembered;
    const ok = putOut === 0 && refused === 0 && forgotten === 0 && bounded;
    return { ok, strangers: this.names, putOut, refused, forgotten, mostNeighbours: most };
  }

  private boot(at: number): DiscoveringBox {
    const box = new DiscoveringBox('box', 'any', {}, this.kept);
    box.now = at;
    box.discovery.start(at);
    box.discovery.segmentsChanged([ipv6Segment(SEGMENT)], at);
    this.strangers = [];
    return box;
  }

  private comesBack(): boolean {
    return this.comes(this.good, linkLocal(SEGMENT, 1, 6969));
  }

  private wave(): void {
    for (const key of this.strangers) if (this.random.chance(0.5)) this.leaves(key);
    for (let i = 0; i < IN_A_WAVE; i++) {
      const { key } = identityOf(`stranger ${this.names++}`);
      const scope = this.random.chance(0.5) ? SEGMENT : 7;
      if (this.comes(key, linkLocal(scope, 1_000 + this.names, 6969))) this.strangers.push(key);
    }
  }

  private comes(key: NodeKey, endpoint: Uint8Array): boolean {
    const state = this.box.peers.stateOf(key);
    if (state === 'up') return true;
    if (state === undefined && !this.box.discovery.admits(key, endpoint, this.box.now)) return false;
    this.box.linkUp(key, endpoint);
    return true;
  }

  private leaves(key: NodeKey): void {
    this.strangers = this.strangers.filter((other) => other !== key);
    if (this.box.peers.stateOf(key) === 'up') this.box.linkDown(key);
  }
}
