import { readFile, writeFile } from 'node:fs/promises';
import { digits } from './figure.ts';
import type { BenchResult, Results } from './results.ts';

export const page = new URL('../docs/performance.md', import.meta.url);

const [begin, end] = ['<!-- figures: npm run bench -->', '<!-- end of figures -->'];

/** Puts the figures into docs/performance.md, between its markers. */
export async function writePage(results: Results): Promise<void> {
  const text = await readFile(page, 'utf8');
  const [before = '', rest = ''] = text.split(begin);
  const [, after = ''] = rest.split(end);
  await writeFile(page, `${before}${begin}\n\n${renderFigures(results)}\n\n${end}${after}`);
}

export function renderFigures({ date, machine, node, load, benches }: Results): string {
  const tables = benches.map(({ name, about, figures }) =>
    [`### ${name}`, '', about, '', ...(isGrid(figures) ? renderGrid(figures) : renderList(figures))].join(
      '\n',
    ),
  );
  return [
    `Taken on ${date.slice(0, 10)}, on ${machine}, Node ${node.slice(1)}; load ${digits(load)} before.`,
    ...tables,
  ].join('\n\n');
}

type Figures = BenchResult['figures'];

const splitName = (name: string) => name.split(', ') as [string, string?];

/** Whether each subject has several measures, all with a baseline. */
function isGrid(figures: Figures): boolean {
  return figures.every(({ name, baseline }) => baseline !== undefined && name.includes(', '));
}

/** Renders a row for each subject and a column for each measure, with the baseline in parentheses. */
function renderGrid(figures: Figures): string[] {
  const cells = figures.map(({ name, value, unit, baseline }) => {
    const [subject, measure = ''] = splitName(name);
    const cell = `${digits(value)} (${baseline ? digits(baseline.value) : ''})`;
    return { subject, measure: withUnit(measure, unit, ', '), cell };
  });
  const subjects = [...new Set(cells.map(({ subject }) => subject))];
  const measures = [...new Set(cells.map(({ measure }) => measure))];
  const findCell = (row: string, column: string) =>
    cells.find(({ subject, measure }) => subject === row && measure === column)?.cell ?? '';
  return [
    renderRow(['', ...measures]),
    `|${'---|'.repeat(measures.length + 1)}`,
    ...subjects.map((row) => renderRow([row, ...measures.map((column) => findCell(row, column))])),
  ];
}

function renderList(figures: Figures): string[] {
  return figures.map(({ name, value, unit, baseline }) => {
    const other = baseline ? ` (${baseline.name}: ${digits(baseline.value)})` : '';
    return `- ${withUnit(`${name}: ${digits(value)}`, unit, ' ')}${other}`;
  });
}

/** A name such as `calls to Accept` says its unit. */
const withUnit = (text: string, unit: string, between: string) =>
  text.split(/\W/).includes(unit) ? text : `${text}${between}${unit}`;
const renderRow = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
