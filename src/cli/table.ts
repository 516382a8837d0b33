/** Aligned columns for a terminal. */

export type Style = 'green' | 'yellow' | 'red' | 'bold' | 'dim';
/** Colours a text, or leaves it alone where there is no terminal. */
export type Paint = (style: Style, text: string) => string;

export interface StyledCell {
  readonly text: string;
  readonly style: Style;
}
export type Cell = string | StyledCell;

export interface Column {
  readonly title: string;
  readonly align?: 'right';
}

const GAP = '  ';

/** Lines with a heading, each ending in a newline and none in blanks. */
export function table(columns: readonly Column[], rows: readonly (readonly Cell[])[], paint: Paint): string {
  const heading = columns.map((column) => ({ text: column.title, style: 'bold' as const }));
  return align([heading, ...rows], columns, paint);
}

/** `label  value` lines; an empty label continues the value above. */
export function labelled(rows: readonly (readonly [label: string, value: Cell])[], paint: Paint): string {
  const columns = [{ title: '' }, { title: '' }];
  return align(
    rows.map(([label, value]) => [{ text: label, style: 'bold' as const }, value]),
    columns,
    paint,
  );
}

function align(rows: readonly (readonly Cell[])[], columns: readonly Column[], paint: Paint): string {
  const widths = columns.map((_, index) => Math.max(...rows.map((row) => textOf(row[index]).length)));
  let out = '';
  for (const row of rows) {
    const cells = row.map((cell, index) => {
      const text = textOf(cell);
      const fill = ' '.repeat(widths[index] - text.length);
      const last = index === row.length - 1;
      // Colour codes have no width on the screen, so the padding goes around them.
      const painted = typeof cell === 'string' || text === '' ? text : paint(cell.style, text);
      if (columns[index].align === 'right') return fill + painted;
      return last ? painted : painted + fill;
    });
    out += `${cells.join(GAP).trimEnd()}\n`;
  }
  return out;
}

function textOf(cell: Cell): string {
  return typeof cell === 'string' ? cell : cell.text;
}
