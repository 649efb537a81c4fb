import { readFile, writeFile } from 'node:fs/promises';
import { digits } from './figure.ts';
import type { Results } from './results.ts';

export const page = new URL('../docs/performance.md', import.meta.url);

const [begin, end] = ['<!-- figures: npm run bench -->', '<!-- end of figures -->'];

/** Writes the figures into docs/performance.md between its markers. */
export async function writePage(results: Results): Promise<void> {
  const text = await readFile(page, 'utf8');
  const [before = '', rest = ''] = text.split(begin);
  const [, after = ''] = rest.split(end);
  await writeFile(page, `${before}${begin}\n\n${renderFigures(results)}\n\n${end}${after}`);
}

export function renderFigures({ date, machine, node, load, benches }: Results): string {
  const tables = benches.map(({ name, about, figures }) => {
    const rows = figures.map(
      ({ name: what, value, unit, baseline, ratio }) =>
        `| ${what} | ${digits(value)} ${unit} | ${baseline ? `${digits(baseline.value)} ${unit}, ${baseline.name}` : ''} | ${ratio === undefined ? '' : digits(ratio)} |`,
    );
    return [`### ${name}`, '', about, '', '| | | beside | ratio |', '|---|---|---|---|', ...rows].join('\n');
  });
  return [
    `Taken on ${date.slice(0, 10)}, on ${machine}, Node ${node.slice(1)}; the load of the machine was ${digits(load)} when it began.`,
    ...tables,
  ].join('\n\n');
}
