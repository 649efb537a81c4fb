import type { Rule } from './aws/events.ts';
import type { Cloud } from './cloud.ts';
import { nameIn, stackName } from './places.ts';

export interface Schedules {
  enable(enabled: boolean): void;
  /** Fires a function's schedules now, each once; `undefined` where it has none. */
  fireAll(functionName: string): Promise<unknown[]> | undefined;
}

const unitsMs: Readonly<Record<string, number>> = { minute: 60_000, hour: 3_600_000, day: 86_400_000 };

/** EventBridge's scheduled rules. After the clock was moved on, each that fell due fires once. */
export function createSchedules({ clock, events, fire }: Cloud): Schedules {
  const scheduled = events
    .rules()
    .filter(({ schedule, state }) => schedule !== undefined && state === 'ENABLED');
  let enabled = true;

  function run(rule: Rule): Promise<unknown>[] {
    return rule.targets.map((target) => fire(rule, target, payloadOf(rule, target.Input)));
  }

  function payloadOf({ arn }: Rule, input: string | undefined): unknown {
    if (input !== undefined) return JSON.parse(input);
    const [, , , region, account] = arn.split(':');
    return {
      version: '0',
      id: crypto.randomUUID(),
      'detail-type': 'Scheduled Event',
      source: 'aws.events',
      account,
      time: new Date(clock.now()).toISOString().replace(/\.\d+Z$/, 'Z'),
      region,
      resources: [arn],
      detail: {},
    };
  }

  function arm(rule: Rule, everyMs: number) {
    clock.at(clock.now() + everyMs, () => {
      // Lambda itself retries what failed, and prints it.
      if (enabled) for (const running of run(rule)) running.catch(() => {});
      arm(rule, everyMs);
    });
  }

  for (const rule of scheduled) arm(rule, periodOf(rule));

  return {
    enable: (on) => {
      enabled = on;
    },
    fireAll(functionName) {
      const isOf = (arn = '') => [functionName, `${stackName}-${functionName}`].includes(nameIn(arn));
      const rules = scheduled.filter(({ targets }) => targets.some(({ Arn }) => isOf(Arn)));
      return rules.length === 0 ? undefined : Promise.all(rules.flatMap(run));
    },
  };
}

function periodOf({ name, schedule = '' }: Rule): number {
  const [, count, unit = ''] = /^rate\((\d+) (minute|hour|day)s?\)$/.exec(schedule) ?? [];
  if (count === undefined)
    throw new Error(`the rule \`${name}\`: the sandbox knows schedules by rate only, not \`${schedule}\``);
  return Number(count) * (unitsMs[unit] ?? 0);
}
