/**
 * TOML text as a tree of plain values that remembers where each value and each key stands, so that whatever is found
 * wrong later can name its line. Tables have no prototype: a key called `__proto__` is a key like any other.
 */
import { type AST, ParseError, parseTOML } from 'toml-eslint-parser';

/** Both from 1; columns count UTF-16 units. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** Keys and array indices from the root. */
export type TomlPath = readonly (string | number)[];

export type TomlValue = string | number | boolean | Date | TomlValue[] | TomlTable;
export interface TomlTable {
  [key: string]: TomlValue;
}

export interface TomlSource {
  readonly root: TomlTable;
  /** Where the value stands; for a key that is missing, where the table begins that should hold it. */
  locate(path: TomlPath): Position;
  /** Where the key's name stands. */
  locateKey(path: TomlPath): Position;
}

/** The text is not TOML; the parser stops at the first place that it can't read. */
export interface TomlSyntaxError {
  readonly position: Position;
  readonly message: string;
}

/** Our configuration needs three levels; deeper nesting is refused before recursion gets expensive. */
const MAX_NESTING = 16;

export function readToml(text: string): TomlSource | TomlSyntaxError {
  const start: Position = { line: 1, column: 1 };
  try {
    const builder = new SourceBuilder();
    for (const node of parseTOML(text, { tomlVersion: '1.0' }).body[0].body) builder.addTopLevel(node);
    return builder;
  } catch (error) {
    if (error instanceof ParseError) {
      return { position: { line: error.lineNumber, column: error.column + 1 }, message: error.message };
    }
    if (error instanceof NestingError) return { position: error.position, message: error.message };
    // The parser recurses on its own for deep nesting.
    if (error instanceof RangeError) return { position: start, message: 'Nested too deeply' };
    throw error;
  }
}

class NestingError extends Error {
  readonly position: Position;
  constructor(position: Position) {
    super(`Nested deeper than ${MAX_NESTING} levels`);
    this.position = position;
  }
}

function checkNesting(depth: number, position: Position): void {
  if (depth > MAX_NESTING) throw new NestingError(position);
}

class SourceBuilder implements TomlSource {
  readonly root: TomlTable = emptyTable();
  private readonly values = new Map<string, Position>();
  private readonly keys = new Map<string, Position>();

  locate(path: TomlPath): Position {
    for (let length = path.length; length > 0; length--) {
      const position = this.values.get(pathId(path.slice(0, length)));
      if (position !== undefined) return position;
    }
    return { line: 1, column: 1 };
  }

  locateKey(path: TomlPath): Position {
    return this.keys.get(pathId(path)) ?? this.locate(path);
  }

  addTopLevel(node: AST.TOMLKeyValue | AST.TOMLTable): void {
    if (node.type === 'TOMLKeyValue') {
      this.addKeyValue(this.root, [], node, 0);
      return;
    }
    const path = node.resolvedKey;
    const names = node.key.keys;
    const position = start(node);
    checkNesting(path.length, position);
    // `[a.b]` may be all there is of `a`.
    let depth = 0;
    for (const name of names) {
      depth++;
      while (typeof path[depth] === 'number') depth++;
      this.remember(this.keys, path.slice(0, depth), start(name));
      this.remember(this.values, path.slice(0, depth), position);
    }
    if (node.kind === 'array') this.remember(this.values, path.slice(0, -1), position);
    const table = this.tableAt(this.root, path);
    for (const child of node.body) this.addKeyValue(table, path, child, path.length);
  }

  private addKeyValue(table: TomlTable, path: TomlPath, node: AST.TOMLKeyValue, depth: number): void {
    checkNesting(depth + node.key.keys.length, start(node));
    const names = node.key.keys.map((key) => (key.type === 'TOMLBare' ? key.name : key.value));
    for (const [index, key] of node.key.keys.entries()) {
      const keyPath = [...path, ...names.slice(0, index + 1)];
      this.remember(this.keys, keyPath, start(key));
      this.remember(this.values, keyPath, index === names.length - 1 ? start(node.value) : start(key));
    }
    const parent = this.tableAt(table, names.slice(0, -1));
    const valuePath = [...path, ...names];
    parent[names[names.length - 1]] = this.valueOf(node.value, valuePath, depth + names.length);
  }

  private valueOf(node: AST.TOMLContentNode, path: TomlPath, depth: number): TomlValue {
    checkNesting(depth, start(node));
    if (node.type === 'TOMLValue') return node.value;
    if (node.type === 'TOMLArray') {
      return node.elements.map((element, index) => {
        this.remember(this.values, [...path, index], start(element));
        return this.valueOf(element, [...path, index], depth + 1);
      });
    }
    const table = emptyTable();
    for (const child of node.body) this.addKeyValue(table, path, child, depth);
    return table;
  }

  /** The table at the end of the path, made on the way where it is not there yet. */
  private tableAt(from: TomlTable, path: TomlPath): TomlTable {
    let at: TomlTable | TomlValue[] = from;
    for (const [index, step] of path.entries()) {
      const holder = at as Record<string | number, TomlValue>;
      holder[step] ??= typeof path[index + 1] === 'number' ? [] : emptyTable();
      // The parser has refused texts in which a key is a table in one place and a value in another.
      at = holder[step] as TomlTable | TomlValue[];
    }
    return at as TomlTable;
  }

  /** The first place wins: a table's header, not the headers of its children. */
  private remember(positions: Map<string, Position>, path: TomlPath, position: Position): void {
    const id = pathId(path);
    if (!positions.has(id)) positions.set(id, position);
  }
}

function emptyTable(): TomlTable {
  return Object.create(null) as TomlTable;
}

function pathId(path: TomlPath): string {
  return JSON.stringify(path);
}

function start(node: { loc: { start: Position } }): Position {
  return { line: node.loc.start.line, column: node.loc.start.column + 1 };
}
