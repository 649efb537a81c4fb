import { readdir, readFile } from 'node:fs/promises';
import { expect, test } from '@jest/globals';
import { median, ratioToBaseline } from '../../bench/figure.ts';
import { page, renderFigures } from '../../bench/page.ts';
import { readResults } from '../../bench/results.ts';

test('docs/performance.md quotes the results of the bench', async () => {
  expect(await readFile(page, 'utf8')).toContain(renderFigures(await readResults()));
});

test('the results have a figure for every function of the deployment', async () => {
  const { benches } = await readResults();
  const names = benches.flatMap(({ figures }) => figures.map(({ name }) => name));
  const functions = await readdir(new URL('../../functions/', import.meta.url));
  for (const file of functions) expect(names).toContain(`${file.replace('.ts', '')}, load time`);
});

test('the median of an even number of values is between the two in the middle', () => {
  expect(median([9, 1, 2])).toBe(2);
  expect(median([4, 1, 2, 9])).toBe(3);
});

test('a ratio is of a figure to the one beside it', () => {
  expect(ratioToBaseline({ name: 'a', value: 3, unit: 'ms', baseline: { name: 'b', value: 12 } })).toBe(0.25);
  expect(
    ratioToBaseline({ name: 'a', value: 3, unit: 'ms', baseline: { name: 'b', value: 0 } }),
  ).toBeUndefined();
  expect(ratioToBaseline({ name: 'a', value: 3, unit: 'ms' })).toBeUndefined();
});
