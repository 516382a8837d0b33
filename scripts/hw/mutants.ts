/**
 * Defects put into the RTL on purpose, one at a time: a bench that does not notice one proves nothing. Each names the line it
 * spoils and the program that has to fail.
 */
import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildHw, HW, HW_OUT, type HwSize } from './tools.ts';

export interface Mutant {
  readonly name: string;
  readonly file: string;
  readonly right: string;
  readonly wrong: string;
  readonly size: HwSize;
  readonly bench: 'bench' | 'mac';
}

export const MUTANTS: readonly Mutant[] = [
  {
    name: 'the serial MAC without its last reduction',
    file: 'poly1305_serial.sv',
    right: '(plus5[130] ? plus5[127:0] : reduced[127:0])',
    wrong: '(reduced[127:0])',
    size: 'small',
    bench: 'mac',
  },
  {
    name: 'the barrel MAC without its last reduction',
    file: 'poly1305_barrel.sv',
    right: 'plus5_high_t4[64] ? {plus5_high_t4[63:0], plus5_low_t4} : folded_t4',
    wrong: 'folded_t4',
    size: 'full',
    bench: 'mac',
  },
  {
    name: 'the barrel MAC with a carry lost between halves',
    file: 'poly1305_barrel.sv',
    right: "66'(low_p2[66])",
    wrong: "66'd0",
    size: 'full',
    bench: 'mac',
  },
  {
    name: 'a lane whose next message begins with the key of the last',
    file: 'aead_barrel.sv',
    right: "{half[AHEAD2] ^ (turn_ahead2 == 3'd0 && ending[AHEAD2]), lane_ahead2}",
    wrong: '{half[AHEAD2], lane_ahead2}',
    size: 'single',
    bench: 'bench',
  },
  {
    name: 'a tag compared but for one bit',
    file: 'aead_serial.sv',
    right: 'mac_tag == given_tag',
    wrong: 'mac_tag[127:1] == given_tag[127:1]',
    size: 'small',
    bench: 'bench',
  },
  {
    name: 'plaintext of a wrong tag handed out',
    file: 'result_writer.sv',
    right: "phase           <= result_words == '0 ? NOTE : MEASURE;",
    wrong: 'phase           <= MEASURE;',
    size: 'small',
    bench: 'bench',
  },
  {
    name: 'a generation that is not compared',
    file: 'key_store.sv',
    right: ' && held[279:256] == generation',
    wrong: '',
    size: 'small',
    bench: 'bench',
  },
  {
    name: 'keys that outlive a reset',
    file: 'registers.sv',
    right: `        key_write            <= 1'b1;
        key_write_slot       <= reset_count`,
    wrong: `        key_write            <= 1'b0;
        key_write_slot       <= reset_count`,
    size: 'small',
    bench: 'bench',
  },
  {
    name: 'a completion before its result is confirmed',
    file: 'result_writer.sv',
    right: "(waiting_bare || confirmed != '0)",
    wrong: "(waiting_bare || confirmed == '0)",
    size: 'small',
    bench: 'bench',
  },
  {
    name: 'a counter that starts one late',
    file: 'aead_serial.sv',
    right: "32'({groups_made, load_position})",
    wrong: "32'({groups_made, load_position}) + 32'd1",
    size: 'small',
    bench: 'bench',
  },
  {
    name: 'bytes behind the text left in the MAC',
    file: 'aead_serial.sv',
    right: 'open ? (text & mask) : mixed',
    wrong: 'open ? text : mixed',
    size: 'small',
    bench: 'bench',
  },
];

/** True when the bench notices. `run` gets the program and answers whether it passed. */
export async function isCaught(mutant: Mutant, run: (program: string) => Promise<boolean>): Promise<boolean> {
  const out = join(HW_OUT, 'mutant');
  const rtl = join(out, 'rtl');
  rmSync(out, { recursive: true, force: true });
  cpSync(join(HW, 'rtl'), rtl, { recursive: true });
  const file = join(rtl, mutant.file);
  const text = readFileSync(file, 'utf8');
  const spoilt = text.replace(mutant.right, () => mutant.wrong);
  if (spoilt === text) throw new Error(`${mutant.file} no longer has what the mutant "${mutant.name}" changes`);
  writeFileSync(file, spoilt);
  const program = await buildHw(mutant.bench, mutant.size, { out, rtl });
  const caught = !(await run(program));
  rmSync(out, { recursive: true, force: true });
  return caught;
}
