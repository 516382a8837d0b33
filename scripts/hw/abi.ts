/**
 * The offload device's register and descriptor table (hw/abi/offload.json), and what is generated from it: the RTL package,
 * the C header, the TypeScript constants and the document. `node scripts/hw/generate.ts` writes them; a unit test fails when
 * a committed file is not what this makes.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PROJECT_ROOT } from '../named-runs.ts';

interface Field {
  readonly name: string;
  readonly low: number;
  readonly bits: number;
  readonly about: string;
}

interface Register {
  readonly name: string;
  readonly offset: string;
  readonly count?: number;
  readonly stride?: number;
  readonly access: 'read' | 'write' | 'write-only';
  readonly about: string;
  readonly fields?: readonly Field[];
}

interface Value {
  readonly name: string;
  readonly value: number;
  readonly about: string;
}

interface Layout {
  readonly bytes: number;
  readonly about: string;
  readonly fields: readonly { name: string; offset: number; bytes: number; about: string }[];
}

export interface Abi {
  readonly name: string;
  readonly abi: { readonly major: number; readonly minor: number };
  readonly identification: string;
  readonly register_page_bytes: number;
  readonly registers: readonly Register[];
  readonly key_commands: readonly Value[];
  readonly operations: readonly Value[];
  readonly statuses: readonly Value[];
  readonly descriptor: Layout;
  readonly completion: Layout;
}

interface Constant {
  readonly name: string;
  readonly value: number;
  readonly hex: boolean;
}

const SOURCE = 'hw/abi/offload.json';
const NOTICE = `Generated from ${SOURCE} by scripts/hw/generate.ts: change the table, not this file.`;

export function readAbi(): Abi {
  return JSON.parse(readFileSync(join(PROJECT_ROOT, SOURCE), 'utf8')) as Abi;
}

/** What can be wrong with a table: one text for each overlap, misalignment or value out of range. */
export function abiProblems(abi: Abi): string[] {
  const problems: string[] = [];
  const taken = new Map<number, string>();
  for (const register of abi.registers) {
    for (let i = 0; i < (register.count ?? 1); i++) {
      const offset = Number(register.offset) + i * (register.stride ?? 0);
      if (offset % 4 !== 0 || offset + 4 > abi.register_page_bytes) problems.push(`${register.name} lies at ${offset}`);
      const other = taken.get(offset);
      if (other !== undefined) problems.push(`${register.name} and ${other} lie at ${offset}`);
      taken.set(offset, register.name);
    }
    let next = 0;
    for (const { name, low, bits } of register.fields ?? []) {
      if (low < next || low + bits > 32) problems.push(`${register.name}.${name} overlaps or leaves the register`);
      next = low + bits;
    }
  }
  for (const [name, layout] of Object.entries({ descriptor: abi.descriptor, completion: abi.completion })) {
    let at = 0;
    for (const field of layout.fields) {
      if (field.offset !== at) problems.push(`${name}.${field.name} is not at ${at}`);
      at += field.bytes;
    }
    if (at !== layout.bytes) problems.push(`${name} has ${at} bytes, not ${layout.bytes}`);
  }
  return problems;
}

/** All numbers that the three languages share, under one name. */
function constants(abi: Abi): Constant[] {
  const list: Constant[] = [];
  const add = (name: string, value: number, hex = false) => list.push({ name: name.toUpperCase(), value, hex });
  add('id_value', Number(abi.identification), true);
  add('abi_major', abi.abi.major);
  add('abi_minor', abi.abi.minor);
  add('register_page_bytes', abi.register_page_bytes);
  for (const { name, offset, count, stride, fields } of abi.registers) {
    add(`reg_${name}`, Number(offset), true);
    if (count !== undefined && stride !== undefined && stride > 4) add(`reg_${name}_stride`, stride);
    for (const field of fields ?? []) {
      add(`${name}_${field.name}_shift`, field.low);
      add(`${name}_${field.name}_bits`, field.bits);
    }
  }
  for (const { name, value } of abi.key_commands) add(`key_command_${name}`, value);
  for (const { name, value } of abi.operations) add(`operation_${name}`, value);
  for (const { name, value } of abi.statuses) add(`status_${name}`, value);
  add('descriptor_bytes', abi.descriptor.bytes);
  for (const { name, offset } of abi.descriptor.fields) add(`descriptor_${name}`, offset);
  add('completion_bytes', abi.completion.bytes);
  for (const { name, offset } of abi.completion.fields) add(`completion_${name}`, offset);
  return list;
}

const number = ({ value, hex }: Constant, prefix = '0x') => (hex ? `${prefix}${value.toString(16)}` : String(value));

function rtlPackage(abi: Abi): string {
  const lines = constants(abi).map((constant) => {
    // Offsets have the width of the register page's addresses.
    const bits = constant.name.startsWith('REG_') ? 12 : 32;
    const value = constant.hex ? `${bits}'h${constant.value.toString(16)}` : `${constant.value}`;
    return `  localparam ${constant.hex ? `logic [${bits - 1}:0]` : 'int'} ${constant.name} = ${value};`;
  });
  return `// ${NOTICE}\n/* verilator lint_off UNUSEDPARAM */\npackage offload_pkg;\n${lines.join('\n')}\nendpackage\n/* verilator lint_on UNUSEDPARAM */\n`;
}

function cHeader(abi: Abi): string {
  const lines = constants(abi).map((constant) => `#define OFFLOAD_${constant.name} ${number(constant)}u`);
  return `/* ${NOTICE} */\n#ifndef SKYWIRE_OFFLOAD_ABI_H\n#define SKYWIRE_OFFLOAD_ABI_H\n\n${lines.join('\n')}\n\n#endif\n`;
}

function typescript(abi: Abi): string {
  const lines = constants(abi).map((constant) => `  ${constant.name}: ${number(constant)},`);
  return `/** ${NOTICE} */\nexport const OFFLOAD_ABI = {\n${lines.join('\n')}\n} as const;\n`;
}

function registerRow({ name, offset, count, stride, access, about }: Register): string {
  const place = count === undefined ? offset : `${offset} + ${stride} × (0 to ${count - 1})`;
  return `| ${place} | \`${name}\` | ${access} | ${about} |`;
}

function layoutTable({ fields }: Layout): string {
  const rows = fields.map(({ name, offset, bytes, about }) => `| ${offset} | ${bytes} | \`${name}\` | ${about} |`);
  return ['| byte | bytes | field | |', '| --- | --- | --- | --- |', ...rows].join('\n');
}

function valueTable(values: readonly Value[]): string {
  const rows = values.map(({ name, value, about }) => `| ${value} | \`${name}\` | ${about} |`);
  return ['| value | name | |', '| --- | --- | --- |', ...rows].join('\n');
}

function fieldTables(abi: Abi): string {
  const rows = abi.registers.flatMap((register) =>
    (register.fields ?? []).map(
      ({ name, low, bits, about }) =>
        `| \`${register.name}\` | ${bits === 1 ? low : `${low + bits - 1}:${low}`} | \`${name}\` | ${about} |`,
    ),
  );
  return ['| register | bits | field | |', '| --- | --- | --- | --- |', ...rows].join('\n');
}

function documentText(abi: Abi): string {
  return `<!-- ${NOTICE} -->
# Offload device: registers and descriptors

Version ${abi.abi.major}.${abi.abi.minor}. A driver refuses a device with another major number. The register page has ${abi.register_page_bytes} bytes; registers are 32 bits wide,
read and written whole. How a driver uses them stands in [hardware.md](hardware.md).

## Registers

| offset | name | access | |
| --- | --- | --- | --- |
${abi.registers.map(registerRow).join('\n')}

### Fields

${fieldTables(abi)}

### Key commands

${valueTable(abi.key_commands)}

## Descriptor: ${abi.descriptor.bytes} bytes

${abi.descriptor.about}.

${layoutTable(abi.descriptor)}

### Operations

${valueTable(abi.operations)}

## Completion: ${abi.completion.bytes} bytes

${abi.completion.about}.

${layoutTable(abi.completion)}

### Statuses

${valueTable(abi.statuses)}
`;
}

/** Every generated file by its path from the root. */
export function generatedFiles(abi: Abi): Readonly<Record<string, string>> {
  return {
    'hw/rtl/offload_pkg.sv': rtlPackage(abi),
    'src/native/core/offload_abi.h': cHeader(abi),
    'src/native/offload-abi.ts': typescript(abi),
    'docs/offload-registers.md': documentText(abi),
  };
}
