import { historyOf } from '../audit/audit.ts';
import { type ConnectionRecord, readRecord, recordKey } from '../connection/connection-record.ts';
import { dueIn, readPointer } from '../connection/due.ts';
import type { Invocation } from '../invocation.ts';
import type { Mode } from '../mode/mode.ts';
import { type Place, placeName } from '../place.ts';
import type { EndpointServices } from '../service/endpoint-services.ts';
import type { Service } from '../service/service.ts';
import { lastFinished, type Pass } from '../sweep/lease.ts';
import { readEach } from '../table/item.ts';
import type { Table } from '../table/table.ts';
import { type Check, examine, failed, giveThePermission, ok, type Result } from './check.ts';
import type { Deployment } from './deployment.ts';

export interface ExaminingPlaces extends Invocation {
  readonly table: Table;
  readonly mode: () => Promise<Mode>;
  readonly servicesIn: (place: Place) => EndpointServices;
  readonly deployment: Deployment;
  readonly hub: Place;
}

const minute = 60_000;
/** Three passes missed in a row, in milliseconds. */
const stale: Readonly<Record<Pass, number>> = { pending: 3 * minute, full: 45 * minute };
/** A verdict is usually applied within seconds, in milliseconds. */
const overdue = 5 * minute;
/** How many due pointers are looked at, unless one is late before. */
const looked = 1_000;
const pointersPerPage = 100;

/** Whether passes end in a place, verdicts are applied there, and services could be given what linkgate needs of them. */
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
      repair: () => examineRepair(place, services, deps),
    },
    deps,
  );
}

async function examineSweep(
  place: Place,
  pass: Pass,
  registeredAt: string,
  { table, report, now, deployment: { stage }, hub }: ExaminingPlaces,
): Promise<Result> {
  const finishedAt = await lastFinished(place, pass, { table, report });
  // A pass from before a service was registered anew says nothing of the time since.
  const since = finishedAt !== undefined && finishedAt > registeredAt ? finishedAt : registeredAt;
  const said = finishedAt === undefined ? 'no pass has ended yet' : `the last pass ended at ${finishedAt}`;
  return now().getTime() - new Date(since).getTime() < stale[pass]
    ? ok(said)
    : failed(
        `${said}: nothing makes good what events missed`,
        `make one now:\nlinkgate sweep connections\nWhere that does not end, the log of sweep-connections says why. Where only the schedule does not come, see whether its rule is enabled:\naws events describe-rule --region ${hub.region} --name linkgate-${stage}-sweep-${pass}`,
      );
}

/** At one service for all of the place: its role's permission is for every one of them. */
async function examineRepair(
  place: Place,
  [service]: readonly Service[],
  { servicesIn }: ExaminingPlaces,
): Promise<Result> {
  const refusal = service && (await servicesIn(place).refusalOfRepair(service.serviceId, service.topicArn));
  return refusal === undefined
    ? ok('services can be tagged and their connection notifications made')
    : failed(`EC2 would refuse: ${refusal}`, giveThePermission);
}

/** The right to accept and reject is judged by what became of verdicts, since only the actor has it. */
async function examineVerdicts(place: Place, deps: ExaminingPlaces): Promise<Result> {
  const { table, mode, report } = deps;
  if ((await mode()) === 'observe') return ok('verdicts are not applied, since the mode is observe');
  const { seen, late } = await lookForLate(place, deps);
  const [first] = late;
  if (!first)
    return ok(
      seen === 0
        ? 'every verdict is applied'
        : `verdicts that are being applied: ${seen}${seen < looked ? '' : ' or more'}`,
    );
  const refusal = (await historyOf(first.endpointId, table, report)).findLast(
    ({ action }) => action === 'refused',
  );
  return failed(
    `verdicts that EC2 does not show after five minutes: at least ${late.length}, such as that of ${first.endpointId}${
      refusal?.reason === undefined ? '' : `, of which EC2 said: ${refusal.reason}`
    }`,
    refusal?.reason?.startsWith('UnauthorizedOperation') === true
      ? `linkgate service add ${first.serviceId}\nputs back the tag that lets linkgate act on the service; where it is there, a permissions boundary or a policy of your organization denies it`
      : `linkgate explain ${first.endpointId}\ntells what was tried; the log of apply-verdicts says more`,
  );
}

/** Looks at one page of what is due after another, until something on one is late. */
async function lookForLate(place: Place, { table, now, report }: ExaminingPlaces) {
  let seen = 0;
  for await (const page of table.query(dueIn(place), { limit: pointersPerPage })) {
    const pointers = readEach(page, readPointer, report);
    const records = await table.get(pointers.map(({ endpointId }) => recordKey(endpointId)));
    const late = readEach(records, readRecord, report).filter(
      (record) => now().getTime() - dueSince(record) > overdue,
    );
    seen += page.length;
    if (late.length > 0 || seen >= looked) return { seen, late };
  }
  return { seen, late: [] };
}

/** Since it was decided, or since EC2 last showed otherwise: what took effect late is put right from then on. */
function dueSince({ verdict, effect, observedAt = '' }: ConnectionRecord): number {
  if (!effect || !verdict) return Number.POSITIVE_INFINITY;
  const { decidedAt } = verdict;
  return new Date(observedAt > decidedAt ? observedAt : decidedAt).getTime();
}
