import { nameFromArn, stackName } from './accounts.ts';
import type { Rule } from './aws/events.ts';
import type { AwsEmulator } from './aws-emulator.ts';

export type Schedules = ReturnType<typeof createSchedules>;

const unitsMs: Readonly<Record<string, number>> = { minute: 60_000, hour: 3_600_000, day: 86_400_000 };

/**
 * EventBridge's scheduled rules. A rule that was due several times during a clock advance or a stop of the sandbox fires
 * once.
 */
export function createSchedules({ clock, events, fire, settings, store }: AwsEmulator) {
  const scheduled = events
    .rules()
    .filter(({ schedule, state }) => schedule !== undefined && state === 'ENABLED');
  const dueTimes = store.openMap<number>('schedules/due');

  function run(rule: Rule): Promise<unknown>[] {
    return rule.targets.map((target) => fire(rule, target, createPayload(rule, target.Input)));
  }

  function createPayload({ arn }: Rule, input: string | undefined): unknown {
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

  function arm(rule: Rule, dueTime: number) {
    dueTimes.set(rule.arn, dueTime);
    clock.at(dueTime, () => {
      // Lambda retries and logs the failure.
      if (settings.get('schedules') !== false) for (const running of run(rule)) running.catch(() => {});
      arm(rule, clock.now() + parsePeriodMs(rule));
    });
  }

  for (const rule of scheduled)
    arm(
      rule,
      Math.min(dueTimes.get(rule.arn) ?? Number.POSITIVE_INFINITY, clock.now() + parsePeriodMs(rule)),
    );

  return {
    /** Returns one function per schedule of a Lambda function; each call fires the schedule once. */
    firings(functionName: string): (() => Promise<unknown[]>)[] {
      const isTarget = (arn = '') =>
        [functionName, `${stackName}-${functionName}`].includes(nameFromArn(arn));
      const rules = scheduled.filter(({ targets }) => targets.some(({ Arn }) => isTarget(Arn)));
      return rules.map((rule) => () => Promise.all(run(rule)));
    },
  };
}

function parsePeriodMs({ name, schedule = '' }: Rule): number {
  const [, count, unit = ''] = /^rate\((\d+) (minute|hour|day)s?\)$/.exec(schedule) ?? [];
  if (count === undefined)
    throw new Error(`the rule \`${name}\`: the sandbox supports only rate schedules, not \`${schedule}\``);
  return Number(count) * (unitsMs[unit] ?? 0);
}
