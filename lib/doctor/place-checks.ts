import { historyOf } from '../audit/audit.ts';
import { type ConnectionRecord, readRecord, recordKey } from '../connection/connection-record.ts';
import { dueIn, readPointer } from '../connection/due.ts';
import type { Invocation } from '../invocation.ts';
import type { Mode } from '../mode/mode.ts';
import { type Place, placeName } from '../place.ts';
import type { Service } from '../service/service.ts';
import { lastFinished, type Pass } from '../sweep/lease.ts';
import type { Table } from '../table/table.ts';
import { type Check, examine, failed, ok, type Result } from './check.ts';

export interface ExaminingPlaces extends Invocation {
  readonly table: Table;
  readonly mode: () => Promise<Mode>;
}

const minute = 60_000;
/** Three passes missed in a row, in milliseconds. */
const stale: Readonly<Record<Pass, number>> = { pending: 3 * minute, full: 45 * minute };
/** A verdict is usually applied within seconds, in milliseconds. */
const overdue = 5 * minute;
/** How many due pointers are looked at. */
const looked = 25;

/** Whether passes end in a place, and verdicts are applied there. */
export function examinePlace(
  place: Place,
  services: readonly Service[],
  deps: ExaminingPlaces,
): Promise<Check[]> {
  const registeredAt = services.map((service) => service.registeredAt).sort()[0] ?? '';
  return examine(
    'places',
    placeName(place),
    {
      'sweep-of-requests': () => examineSweep(place, 'pending', registeredAt, deps),
      'sweep-of-everything': () => examineSweep(place, 'full', registeredAt, deps),
      verdicts: () => examineVerdicts(place, deps),
    },
    deps,
  );
}

async function examineSweep(
  place: Place,
  pass: Pass,
  registeredAt: string,
  { table, now }: ExaminingPlaces,
): Promise<Result> {
  const finishedAt = await lastFinished(place, pass, table);
  const since = finishedAt ?? registeredAt;
  const said = finishedAt === undefined ? 'no pass has ended yet' : `the last pass ended at ${finishedAt}`;
  return now().getTime() - new Date(since).getTime() < stale[pass]
    ? ok(said)
    : failed(
        `${said}: nothing makes good what events missed`,
        'linkgate sweep connections; where that does not end, the log of sweep-connections says why',
      );
}

/** The right to accept and reject is judged by what became of verdicts, since only the actor has it. */
async function examineVerdicts(place: Place, { table, mode, now }: ExaminingPlaces): Promise<Result> {
  const pointers = [];
  for await (const page of table.query(dueIn(place), { limit: looked })) {
    pointers.push(...page.map(readPointer));
    break;
  }
  if (pointers.length === 0) return ok('every verdict is applied');
  if ((await mode()) === 'observe') return ok('verdicts are not applied, since the mode is observe');

  const records = (await table.get(pointers.map(({ endpointId }) => recordKey(endpointId)))).map(readRecord);
  const late = records.filter((record) => now().getTime() - dueSince(record) > overdue);
  const [first] = late;
  if (!first) return ok(`verdicts that are being applied: ${pointers.length}`);
  const refusal = (await historyOf(first.endpointId, table)).findLast(({ action }) => action === 'refused');
  const many = pointers.length === looked ? `${late.length} or more` : String(late.length);
  return failed(
    `verdicts that EC2 does not show after five minutes: ${many}, such as that of ${first.endpointId}${
      refusal?.reason === undefined ? '' : `, of which EC2 said: ${refusal.reason}`
    }`,
    refusal?.reason?.startsWith('UnauthorizedOperation') === true
      ? `linkgate service add ${first.serviceId} puts back the tag that lets linkgate act on the service; where it is there, a permissions boundary or a policy of your organization denies it`
      : `linkgate explain ${first.endpointId} tells what was tried; the log of apply-verdicts says more`,
  );
}

function dueSince({ verdict, effect }: ConnectionRecord): number {
  return effect && verdict ? new Date(verdict.decidedAt).getTime() : Number.POSITIVE_INFINITY;
}
