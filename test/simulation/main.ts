import { parseArgs } from 'node:util';
import { type FaultKind, faultKinds } from './faults.ts';
import { simulate } from './simulate.ts';

const { values } = parseArgs({
  options: {
    /** How many histories, one a seed. */
    seeds: { type: 'string', default: '100' },
    /** The first seed; alone, only this one, with all that happened. */
    seed: { type: 'string' },
  },
});

const isReplay = values.seed !== undefined;
const first = wholeNumber('seed', values.seed ?? '1');
const count = isReplay ? 1 : wholeNumber('seeds', values.seeds);
const startedAt = performance.now();
const faults = new Map<FaultKind, number>();
const broken: number[] = [];
let turns = 0;

for (let seed = first; seed < first + count; seed++) {
  const report = await simulate(seed);
  turns += report.turns;
  for (const [kind, times] of report.faults) faults.set(kind, (faults.get(kind) ?? 0) + times);
  if (report.broken) broken.push(seed);
  if (report.broken || isReplay) console.log(report.history.join('\n'));
  if (report.broken)
    console.log(`\nbroken: ${report.broken.message}\nto replay: npm run simulate -- --seed ${seed}\n`);
}

const seconds = (performance.now() - startedAt) / 1000;
console.log(
  `${count} histories, ${turns} steps, ${seconds.toFixed(1)} s (${(count / seconds).toFixed(0)} a second)`,
);
for (const kind of faultKinds) console.log(`  ${String(faults.get(kind) ?? 0).padStart(6)} × ${kind}`);
const never = faultKinds.filter((kind) => !faults.has(kind));
if (never.length > 0) console.log(`never happened: ${never.join(', ')}`);
console.log(broken.length === 0 ? 'no invariant was broken' : `broken by the seeds ${broken.join(', ')}`);
process.exitCode = broken.length === 0 ? 0 : 1;

function wholeNumber(name: string, text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  console.error(`--${name} takes a whole number from 1, not \`${text}\``);
  return process.exit(2);
}
