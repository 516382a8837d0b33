/** What is wrong with a configuration file, in words: place, key, fault and remedy of each problem. */
import * as v from 'valibot';
import { ConfigFile } from './config-schema.ts';
import { closestWord } from './did-you-mean.ts';
import type { TomlPath, TomlSource, TomlTable, TomlValue } from './toml-source.ts';

/** One thing to mend in the file. */
export interface ConfigProblem {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** `peer[0].key`; empty when the text is not TOML at all. */
  readonly key: string;
  readonly message: string;
  readonly remedy: string;
}

/** Makes a problem of something that was found wrong with a key after parsing: a checksum, say. */
export type ProblemMaker = (path: TomlPath, message: string, remedy: string) => ConfigProblem;

export function problemMaker(source: TomlSource, file: string): ProblemMaker {
  return (path, message, remedy) => ({ file, ...source.locate(path), key: keyText(path), message, remedy });
}

/** One line: `FILE:LINE:COLUMN: KEY MESSAGE. REMEDY`. */
export function formatProblem(problem: ConfigProblem): string {
  const subject = problem.key === '' ? 'this' : problem.key;
  return `${problem.file}:${problem.line}:${problem.column}: ${subject} ${problem.message}. ${problem.remedy}`;
}

/** The schema's issues, and what valibot lets pass: unknown keys, and lists or dates in the place of tables. */
export function findSchemaProblems(
  source: TomlSource,
  issues: readonly v.BaseIssue<unknown>[],
  problemAt: ProblemMaker,
): ConfigProblem[] {
  const misshapen: TomlPath[] = [];
  const problems: ConfigProblem[] = [];
  const visit = (value: TomlValue, schema: SchemaNode | undefined, path: TomlPath): void => {
    if (schema?.item !== undefined && Array.isArray(value)) {
      for (const [index, item] of value.entries()) visit(item, unwrap(schema.item), [...path, index]);
    } else if (schema?.entries !== undefined && isTable(value)) {
      for (const [name, child] of Object.entries(value)) {
        const childPath = [...path, name];
        if (Object.hasOwn(schema.entries, name)) visit(child, unwrap(schema.entries[name]), childPath);
        else {
          const message = path.length === 0 ? 'is not a table that exists' : 'is not a key that exists';
          const problem = problemAt(childPath, message, remedyForUnknown(name, path, schema.entries));
          problems.push({ ...problem, ...source.locateKey(childPath) });
        }
      }
    } else if (schema?.entries !== undefined && typeof value === 'object') {
      misshapen.push(path);
      problems.push(problemAt(path, `must be a table, not ${wordFor(value)}`, remedyFor(path, value)));
    }
  };
  visit(source.root, ConfigFile, []);
  for (const issue of issues) {
    const path = (issue.path ?? []).map((item) => item.key as string | number);
    if (!misshapen.some((outer) => outer.every((step, index) => path[index] === step))) {
      problems.push(problemOfIssue(issue, path, problemAt));
    }
  }
  return problems;
}

function problemOfIssue(issue: v.BaseIssue<unknown>, path: TomlPath, problemAt: ProblemMaker): ConfigProblem {
  const remedy = remedyFor(path, issue.input);
  if (issue.kind !== 'schema') return problemAt(path, issue.message, remedy);
  if (issue.received === 'undefined') return problemAt(path, 'is missing', remedy);
  const expected = TYPE_WORDS[schemaAt(path)?.type ?? ''] ?? 'something else';
  return problemAt(path, `must be ${expected}, not ${wordFor(issue.input)}`, remedy);
}

const TYPE_WORDS: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a table',
};

function wordFor(input: unknown): string {
  if (typeof input === 'string') return `the text ${JSON.stringify(shorten(input))}`;
  if (typeof input === 'number') return `the number ${input}`;
  if (typeof input === 'boolean') return String(input);
  if (Array.isArray(input)) return 'a list';
  return input instanceof Date ? 'a date' : 'a table';
}

function remedyFor(path: TomlPath, input: unknown): string {
  const schema = schemaAt(path);
  if (schema === undefined) return '';
  const { remedy } = v.getMetadata(schema as v.GenericSchema);
  if (typeof remedy === 'string') return remedy;
  const table = keyText(path);
  return Array.isArray(input) ? `Write [${table}] once, in single brackets` : `Write it as a table: [${table}]`;
}

function remedyForUnknown(name: string, path: TomlPath, entries: Readonly<Record<string, unknown>>): string {
  const meant = closestWord(name, Object.keys(entries));
  if (meant !== undefined) return `Did you mean ${meant}?`;
  for (const [table, schema] of Object.entries(ConfigFile.entries)) {
    const inner = unwrap(schema as SchemaNode);
    if (Object.hasOwn((inner?.item ?? inner)?.entries ?? {}, name)) return `Did you mean ${table}.${name}?`;
  }
  const known = Object.keys(entries).join(', ');
  return path.length === 0 ? `The tables are ${known}` : `The keys of [${path[0]}] are ${known}`;
}

/** What the walks over the schema need to see of valibot's objects. */
interface SchemaNode {
  readonly type: string;
  readonly wrapped?: SchemaNode;
  readonly item?: SchemaNode;
  readonly entries?: Readonly<Record<string, SchemaNode>>;
}

function schemaAt(path: TomlPath): SchemaNode | undefined {
  let schema: SchemaNode | undefined = ConfigFile;
  for (const step of path) schema = unwrap(typeof step === 'number' ? schema?.item : schema?.entries?.[step]);
  return schema;
}

function unwrap(schema: SchemaNode | undefined): SchemaNode | undefined {
  return schema?.wrapped ?? schema;
}

function isTable(value: TomlValue): value is TomlTable {
  return typeof value === 'object' && !Array.isArray(value) && !(value instanceof Date);
}

/** `['peer', 0, 'key']` as `peer[0].key`; a key that is no bare word is quoted. */
function keyText(path: TomlPath): string {
  let out = '';
  for (const step of path) {
    if (typeof step === 'number') out += `[${step}]`;
    else out += `${out === '' ? '' : '.'}${/^[A-Za-z0-9_-]{1,64}$/.test(step) ? step : JSON.stringify(shorten(step))}`;
  }
  return out;
}

function shorten(text: string): string {
  return text.length <= 40 ? text : `${text.slice(0, 40)}...`;
}
