import { parseArgs } from 'node:util';
import { type FaultKind, faultKinds } from './faults.ts';
import { type SimulationOptions, type SimulationReport, simulate } from './simulate.ts';
import { type Step, workloadSteps } from './workload.ts';

type Variant = Pick<SimulationOptions, 'isObserving' | 'isLong'>;

const { values } = parseArgs({
  options: {
    /** The number of seeds; each runs three times: in mode enforce, in mode observe, and over days. */
    seeds: { type: 'string', default: '100' },
    /** The first seed; without a count, only this one, with its history. */
    seed: { type: 'string' },
    /** With `--seed`: the history in mode observe, beside a script. */
    observing: { type: 'boolean', default: false },
    /** With `--seed`: the history over days. */
    long: { type: 'boolean', default: false },
  },
});

const seedsBetweenProgressLines = 10;
const isReplay = values.seed !== undefined;
const first = wholeNumber('seed', values.seed ?? '1');
const count = isReplay ? 1 : wholeNumber('seeds', values.seeds);
const variants: readonly Variant[] = isReplay
  ? [{ isObserving: values.observing, isLong: values.long }]
  : [{}, { isObserving: true }, { isLong: true }];
const startedAt = performance.now();
const faults = new Map<FaultKind, number>();
const steps = new Set<Step>();
const broken: string[] = [];
let turns = 0;

for (let seed = first; seed < first + count; seed++) {
  for (const variant of variants) tally(seed, await simulate(seed, variant), variant);
  const played = seed - first + 1;
  if (played % seedsBetweenProgressLines === 0)
    console.error(`${played} of ${count} seeds played, ${broken.length} histories broken`);
}

function tally(seed: number, report: SimulationReport, { isObserving, isLong }: Variant): void {
  turns += report.turns;
  for (const [kind, times] of report.faults) faults.set(kind, (faults.get(kind) ?? 0) + times);
  for (const step of report.steps) steps.add(step);
  if (report.broken || isReplay) console.log(report.history.join('\n'));
  if (!report.broken) return;
  const replay = `--seed ${seed}${isObserving ? ' --observing' : ''}${isLong ? ' --long' : ''}`;
  broken.push(replay);
  console.log(`\nbroken: ${report.broken.message}\nto replay: npm run simulate -- ${replay}\n`);
}

const seconds = (performance.now() - startedAt) / 1000;
console.log(
  `${count * variants.length} histories, ${turns} turns, ${seconds.toFixed(1)} s (${((count * variants.length) / seconds).toFixed(0)} a second)`,
);
for (const kind of faultKinds) console.log(`  ${String(faults.get(kind) ?? 0).padStart(6)} × ${kind}`);
const never = [
  ...faultKinds.filter((kind) => !faults.has(kind)),
  ...workloadSteps.filter((step) => !steps.has(step)),
];
if (never.length > 0) console.log(`never happened: ${never.join(', ')}`);
console.log(broken.length === 0 ? 'no invariant was broken' : `broken: ${broken.join(', ')}`);
process.exitCode = broken.length === 0 ? 0 : 1;

function wholeNumber(name: string, text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  console.error(`--${name} takes a whole number from 1, not \`${text}\``);
  return process.exit(2);
}
