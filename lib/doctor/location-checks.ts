import { readAuditTrail } from '../audit/audit.ts';
import {
  type Check,
  type CheckOutput,
  fail,
  grantPermissionRemedy,
  notApplicable,
  pass,
} from '../checks/check.ts';
import { type ConnectionRecord, readRecord, recordKey } from '../connections/connection-record.ts';
import { pendingEffects } from '../connections/indexes.ts';
import type { AccountRegion } from '../locations/account-region.ts';
import type { Mode } from '../mode/mode.ts';
import type { Runtime } from '../runtime/runtime.ts';
import type { EndpointServices } from '../services/endpoint-services.ts';
import type { Service } from '../services/service.ts';
import { parseEach } from '../storage/entity.ts';
import type { Table } from '../storage/table.ts';
import { lastSweepSuccess } from '../sweep/lease.ts';
import type { SweepScope } from '../sweep/sweep.ts';
import type { Deployment } from './deployment.ts';

export interface LocationCheckDeps extends Runtime {
  readonly location: AccountRegion;
  /** The services registered there. */
  readonly services: readonly Service[];
  readonly table: Table;
  readonly mode: () => Promise<Mode>;
  readonly servicesClient: (location: AccountRegion) => EndpointServices;
  readonly deployment: Deployment;
  readonly hub: AccountRegion;
}

const oneMinuteMs = 60_000;
/** The maximum time since the last sweep: three missed sweeps in a row. */
const staleAfterMs: Readonly<Record<SweepScope, number>> = {
  pending: 3 * oneMinuteMs,
  full: 45 * oneMinuteMs,
};
/** linkgate usually applies a verdict within seconds. */
const overdueAfterMs = 5 * oneMinuteMs;
/** The check reads at most this many pending effects. */
const maxPointersRead = 1_000;
const pointersPerPage = 100;

/** The checks that sweeps finish, that linkgate applies verdicts, and that it may repair the drift of services. */
export const locationChecks: readonly Check<LocationCheckDeps>[] = [
  {
    id: 'pending-sweep',
    title: 'the last pending sweep is recent',
    run: (deps) => checkSweep('pending', deps),
  },
  { id: 'full-sweep', title: 'the last full sweep is recent', run: (deps) => checkSweep('full', deps) },
  { id: 'verdicts', title: 'every verdict is applied', run: checkVerdicts },
  {
    id: 'repair',
    title: 'linkgate can tag services and create their connection notifications',
    run: checkRepairPermission,
  },
];

async function checkSweep(scope: SweepScope, deps: LocationCheckDeps): Promise<CheckOutput> {
  const { location, services, now, deployment, hub } = deps;
  const registeredAt = services.map((service) => service.registeredAt).sort()[0] ?? '';
  const finishedAt = await lastSweepSuccess(location, scope, deps);
  // A sweep before the registration of a service does not count.
  const since = finishedAt !== undefined && finishedAt > registeredAt ? finishedAt : registeredAt;
  const lastSweep =
    finishedAt === undefined ? 'no sweep has finished yet' : `the last sweep finished at ${finishedAt}`;
  return now().getTime() - new Date(since).getTime() < staleAfterMs[scope]
    ? pass(lastSweep)
    : fail(
        `${lastSweep}: nothing recovers missed events`,
        `run a sweep now:\nlinkgate sweep connections\nIf it does not finish, see the log of sweep-connections. If only the schedule is missing, check that its rule is enabled:\naws events describe-rule --region ${hub.region} --name linkgate-${deployment.stage}-sweep-${scope}`,
      );
}

/** Checks one service, because the role's permission covers all services of the location. */
async function checkRepairPermission(deps: LocationCheckDeps): Promise<CheckOutput> {
  const { location, services, servicesClient } = deps;
  const [service] = services;
  const refusal =
    service && (await servicesClient(location).findRepairDenial(service.serviceId, service.topicArn));
  return refusal === undefined || fail(`EC2 denies it: ${refusal}`, grantPermissionRemedy);
}

/** Reads the results of `apply-verdicts`, because only that function may call Accept and Reject. */
async function checkVerdicts(deps: LocationCheckDeps): Promise<CheckOutput> {
  const { table, mode, reportError } = deps;
  if ((await mode()) === 'observe')
    return notApplicable('the mode is observe, so linkgate applies no verdicts');
  const { pendingCount, late } = await findOverdueVerdicts(deps);
  const [first] = late;
  if (!first)
    return (
      pendingCount === 0 ||
      pass(`pending verdicts: ${pendingCount}${pendingCount < maxPointersRead ? '' : ' or more'}`)
    );
  const refusal = (await readAuditTrail(first.endpointId, table, reportError)).findLast(
    ({ action }) => action === 'refused',
  );
  return fail(
    `verdicts not applied after five minutes: at least ${late.length}, for example that of ${first.endpointId}${
      refusal?.reason === undefined ? '' : `; EC2 answered: ${refusal.reason}`
    }`,
    refusal?.reason?.startsWith('UnauthorizedOperation') === true
      ? `linkgate service add ${first.serviceId}\nrestores the tag that lets linkgate act on the service; if the tag exists, a permissions boundary or a policy of your organization denies the call`
      : `linkgate explain ${first.endpointId}\nshows the attempts; the log of apply-verdicts has the details`,
  );
}

/** Reads pages of pending effects until one has an overdue verdict. */
async function findOverdueVerdicts({ location, table, now, reportError }: LocationCheckDeps) {
  let pendingCount = 0;
  const options = { limit: pointersPerPage };
  for await (const pointers of pendingEffects.list(location, { table, reportError }, options)) {
    const records = await table.get(pointers.map(({ endpointId }) => recordKey(endpointId)));
    const late = parseEach(records, readRecord, reportError).filter(
      (record) => now().getTime() - pendingEffectSince(record) > overdueAfterMs,
    );
    pendingCount += pointers.length;
    if (late.length > 0 || pendingCount >= maxPointersRead) return { pendingCount, late };
  }
  return { pendingCount, late: [] };
}

/** Returns the time of the verdict, or of the last describe result that contradicts it. */
function pendingEffectSince({ verdict, pendingEffect, observedAt = '' }: ConnectionRecord): number {
  if (!pendingEffect || !verdict) return Number.POSITIVE_INFINITY;
  const { decidedAt } = verdict;
  return new Date(observedAt > decidedAt ? observedAt : decidedAt).getTime();
}
