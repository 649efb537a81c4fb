import { writeFile } from 'node:fs/promises';
import { arch, cpus, loadavg, platform, totalmem } from 'node:os';
import { parseArgs } from 'node:util';
import Table from 'cli-table3';
import { acceptance } from './acceptance.ts';
import { bundles } from './bundles.ts';
import { burst } from './burst/burst.ts';
import { type Bench, digits, ratioToBaseline } from './figure.ts';
import { writePage } from './page.ts';
import { policy } from './policy.ts';
import { type BenchResult, type Results, resultsFile } from './results.ts';
import { sandbox } from './sandbox.ts';
import { start } from './start.ts';

const benches: readonly Bench[] = [bundles, start, acceptance, sandbox, policy, burst];
const names = benches.map(({ name }) => name);

const usage = `Usage: npm run bench -- [--only NAME]

Measures, prints tables, and writes bench/results.json and docs/performance.md.

  --only NAME   only one of ${names.join(', ')}; prints, and writes nothing
`;

const only = readFlags();
const [load = 0] = loadavg();
if (load > cpus().length / 2)
  process.stderr.write(
    `this machine is busy (load ${digits(load)}): of the times only ratios will mean much\n`,
  );
const measured: BenchResult[] = [];
for (const bench of benches.filter(({ name }) => only === undefined || name === only)) {
  const figures = await bench.measure((progress) => process.stderr.write(`${bench.name}: ${progress}\n`));
  const one = { name: bench.name, about: bench.about, figures: figures.map(recordFigure) };
  measured.push(one);
  print(one);
}
if (only === undefined) await writeResults(measured);

function readFlags(): string | undefined {
  const { values } = parseArgs({ options: { only: { type: 'string' }, help: { type: 'boolean' } } });
  if (values.help) {
    process.stdout.write(usage);
    process.exit(0);
  }
  if (values.only !== undefined && !names.includes(values.only)) {
    process.stderr.write(`there is no bench \`${values.only}\`\n\n${usage}`);
    process.exit(2);
  }
  return values.only;
}

async function writeResults(benches: readonly BenchResult[]): Promise<void> {
  const results: Results = {
    date: new Date().toISOString(),
    machine: `${cpus().length} × ${cpus()[0]?.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GiB, ${platform()} ${arch()}`,
    node: process.version,
    load: round(load),
    benches,
  };
  await writeFile(resultsFile, `${JSON.stringify(results, null, 2)}\n`);
  await writePage(results);
}

function recordFigure(figure: Awaited<ReturnType<Bench['measure']>>[number]): BenchResult['figures'][number] {
  const { value, baseline } = figure;
  const ratio = ratioToBaseline(figure);
  return {
    ...figure,
    value: round(value),
    ...(baseline && { baseline: { ...baseline, value: round(baseline.value) } }),
    ...(ratio !== undefined && { ratio: round(ratio) }),
  };
}

function round(value: number): number {
  return Number(digits(value));
}

function print({ name: title, about, figures }: BenchResult): void {
  const table = new Table({ head: ['', 'value', 'beside', 'ratio'], style: { head: [], border: [] } });
  for (const { name, value, unit, baseline, ratio } of figures)
    table.push([
      name,
      `${digits(value)} ${unit}`,
      baseline ? `${digits(baseline.value)} ${unit} (${baseline.name})` : '',
      ratio === undefined ? '' : digits(ratio),
    ]);
  console.log(`\n${title}: ${about}\n${table}`);
}
