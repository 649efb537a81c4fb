import { readAuditTrail } from '../audit/audit.ts';
import { type ConnectionRecord, readRecord, recordKey } from '../connections/connection-record.ts';
import { pendingEffectPartition, readPendingEffect } from '../connections/pending-effects.ts';
import { type AccountRegion, formatAccountRegion } from '../locations/account-region.ts';
import type { Mode } from '../mode/mode.ts';
import type { Runtime } from '../runtime/runtime.ts';
import type { EndpointServices } from '../services/endpoint-services.ts';
import type { Service } from '../services/service.ts';
import { parseEach } from '../storage/entity.ts';
import type { Table } from '../storage/table.ts';
import { lastSweepSuccess, type SweepScope } from '../sweep/lease.ts';
import { type Check, type CheckResult, failed, grantPermissionRemedy, ok, runChecks } from './check.ts';
import type { Deployment } from './deployment.ts';

export interface LocationCheckDeps extends Runtime {
  readonly table: Table;
  readonly mode: () => Promise<Mode>;
  readonly servicesClient: (location: AccountRegion) => EndpointServices;
  readonly deployment: Deployment;
  readonly hub: AccountRegion;
}

const oneMinuteMs = 60_000;
/** Three passes missed in a row, in milliseconds. */
const staleAfterMs: Readonly<Record<SweepScope, number>> = {
  pending: 3 * oneMinuteMs,
  full: 45 * oneMinuteMs,
};
/** A verdict is usually applied within seconds, in milliseconds. */
const overdueAfterMs = 5 * oneMinuteMs;
/** How many due pointers are looked at, unless one is late before. */
const maxPointersRead = 1_000;
const pointersPerPage = 100;

/** Whether passes end in a place, verdicts are applied there, and services could be given what linkgate needs of them. */
export function checkLocation(
  location: AccountRegion,
  services: readonly Service[],
  deps: LocationCheckDeps,
): Promise<Check[]> {
  const registeredAt = services.map((service) => service.registeredAt).sort()[0] ?? '';
  return runChecks(
    'locations',
    formatAccountRegion(location),
    {
      'sweep-of-requests': () => checkSweep(location, 'pending', registeredAt, deps),
      'sweep-of-everything': () => checkSweep(location, 'full', registeredAt, deps),
      verdicts: () => checkVerdicts(location, deps),
      repair: () => checkRepairPermission(location, services, deps),
    },
    deps,
  );
}

async function checkSweep(
  location: AccountRegion,
  scope: SweepScope,
  registeredAt: string,
  { table, reportError, now, deployment: { stage }, hub }: LocationCheckDeps,
): Promise<CheckResult> {
  const finishedAt = await lastSweepSuccess(location, scope, { table, reportError });
  // A pass from before a service was registered anew says nothing of the time since.
  const since = finishedAt !== undefined && finishedAt > registeredAt ? finishedAt : registeredAt;
  const said = finishedAt === undefined ? 'no pass has ended yet' : `the last pass ended at ${finishedAt}`;
  return now().getTime() - new Date(since).getTime() < staleAfterMs[scope]
    ? ok(said)
    : failed(
        `${said}: nothing makes good what events missed`,
        `make one now:\nlinkgate sweep connections\nWhere that does not end, the log of sweep-connections says why. Where only the schedule does not come, see whether its rule is enabled:\naws events describe-rule --region ${hub.region} --name linkgate-${stage}-sweep-${scope}`,
      );
}

/** At one service for all of the place: its role's permission is for every one of them. */
async function checkRepairPermission(
  location: AccountRegion,
  [service]: readonly Service[],
  { servicesClient }: LocationCheckDeps,
): Promise<CheckResult> {
  const refusal =
    service && (await servicesClient(location).findRepairDenial(service.serviceId, service.topicArn));
  return refusal === undefined
    ? ok('services can be tagged and their connection notifications made')
    : failed(`EC2 would refuse: ${refusal}`, grantPermissionRemedy);
}

/** The right to accept and reject is judged by what became of verdicts, since only the actor has it. */
async function checkVerdicts(location: AccountRegion, deps: LocationCheckDeps): Promise<CheckResult> {
  const { table, mode, reportError } = deps;
  if ((await mode()) === 'observe') return ok('verdicts are not applied, since the mode is observe');
  const { seen, late } = await findOverdueVerdicts(location, deps);
  const [first] = late;
  if (!first)
    return ok(
      seen === 0
        ? 'every verdict is applied'
        : `verdicts that are being applied: ${seen}${seen < maxPointersRead ? '' : ' or more'}`,
    );
  const refusal = (await readAuditTrail(first.endpointId, table, reportError)).findLast(
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
async function findOverdueVerdicts(location: AccountRegion, { table, now, reportError }: LocationCheckDeps) {
  let seen = 0;
  for await (const page of table.query(pendingEffectPartition(location), { limit: pointersPerPage })) {
    const pointers = parseEach(page, readPendingEffect, reportError);
    const records = await table.get(pointers.map(({ endpointId }) => recordKey(endpointId)));
    const late = parseEach(records, readRecord, reportError).filter(
      (record) => now().getTime() - pendingEffectSince(record) > overdueAfterMs,
    );
    seen += page.length;
    if (late.length > 0 || seen >= maxPointersRead) return { seen, late };
  }
  return { seen, late: [] };
}

/** Since it was decided, or since EC2 last showed otherwise: what took effect late is put right from then on. */
function pendingEffectSince({ verdict, pendingEffect, observedAt = '' }: ConnectionRecord): number {
  if (!pendingEffect || !verdict) return Number.POSITIVE_INFINITY;
  const { decidedAt } = verdict;
  return new Date(observedAt > decidedAt ? observedAt : decidedAt).getTime();
}
