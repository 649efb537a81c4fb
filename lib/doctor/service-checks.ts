import { createGroupCommand, isKnownGroup } from '../approvers/approver-group.ts';
import { type Check, type CheckOutput, fail, pass, warn } from '../checks/check.ts';
import { type CheckedResult, runChecks } from '../checks/run-checks.ts';
import type { Mode } from '../mode/mode.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { principalFailure } from '../services/allowed-principals/principal-drift.ts';
import {
  acceptanceCheck,
  type ConfigurationCheckInput,
  everyoneCheck,
  isFixableDrift,
  isPrincipalDrift,
  missingDrift,
  notificationChecks,
  tagCheck,
} from '../services/drift.ts';
import type { ServiceConfiguration } from '../services/endpoint-services.ts';
import type { Service } from '../services/service.ts';
import type { Table } from '../storage/table.ts';
import { shellWord } from '../values/shell-word.ts';

export interface ServiceCheckDeps extends Pick<Runtime, 'reportError'> {
  readonly table: Table;
  readonly mode: () => Promise<Mode>;
  readonly service: Service;
  /** @returns undefined if EC2 does not list the service. */
  readonly describe: () => Promise<ServiceConfiguration | undefined>;
}

export const serviceChecks: readonly Check<ServiceCheckDeps>[] = [
  { id: 'service', title: 'EC2 shows it as Available', run: checkServiceState },
  checkDrift('acceptance', [acceptanceCheck]),
  checkDrift('tag', [tagCheck]),
  checkDrift('notification', notificationChecks),
  { id: 'principals', title: 'the allowed principals are what the allowlist implies', run: checkPrincipals },
  { id: 'approvers', title: 'the approver group exists', run: checkServiceApprovers },
  { id: 'paused', title: 'the service is not paused', run: checkPause },
];

/** Reports the first problem of these checks. In the mode observe linkgate repairs none. */
function checkDrift(id: string, checks: readonly Check<ConfigurationCheckInput>[]): Check<ServiceCheckDeps> {
  return {
    id,
    title: checks[0]?.title ?? '',
    run: async (deps) => {
      const { service, mode } = deps;
      const configuration = await describeOrSkip(deps);
      if (!configuration) return [];
      const problem = await findProblem(checks, { service, configuration }, deps);
      const isFixable = problem?.status === 'FAIL' && isFixableDrift(problem.checkId);
      if (!isFixable || (await mode()) === 'enforce') return problem ?? true;
      return warn(`${problem.text}; linkgate does not fix it in the mode observe`, 'linkgate mode enforce');
    },
  };
}

/** @returns undefined also after an error, which the check `service` reports. */
function describeOrSkip({ describe }: ServiceCheckDeps): Promise<ServiceConfiguration | undefined> {
  return describe().catch(() => undefined);
}

async function findProblem(
  checks: readonly Check<ConfigurationCheckInput>[],
  input: ConfigurationCheckInput,
  { reportError }: ServiceCheckDeps,
): Promise<CheckedResult | undefined> {
  for await (const result of runChecks(checks, input, { reportError, functionName: 'on-api-request' }))
    if (result.status !== 'PASS') return result;
  return undefined;
}

async function checkServiceState({ service, describe }: ServiceCheckDeps): Promise<CheckOutput> {
  const { serviceId, location } = service;
  const configuration = await describe();
  if (!configuration) return fail(missingDrift.detail, `linkgate service remove ${serviceId}`);
  return (
    configuration.state === 'Available' ||
    fail(
      `EC2 shows it as ${configuration.state}`,
      `see its configuration:\naws ec2 describe-vpc-endpoint-service-configurations --region ${location.region} --service-ids ${serviceId}`,
    )
  );
}

/** Checks the allowed principals: `*` from EC2 now, the difference from the allowlist from the last service check. */
async function checkPrincipals(deps: ServiceCheckDeps): Promise<CheckOutput> {
  const { service } = deps;
  const configuration = await describeOrSkip(deps);
  // EC2 lists the principals only with the tag, which has a separate check.
  if (!configuration?.principals) return [];
  const drift = service.drift.filter(isPrincipalDrift);
  const text = drift.map(({ detail }) => detail).join('. ');
  const everyone = await findProblem([everyoneCheck], { service, configuration }, deps);
  if (everyone) return { ...everyone, text: [everyone.text, text].filter(Boolean).join('. ') };
  if (service.principalsCheckedAt === undefined) return pass(everyoneCheck.title);
  const failedIds = drift.map(({ check }) => check);
  return drift.length === 0 || principalFailure(text, failedIds, service);
}

async function checkServiceApprovers({ service, table }: ServiceCheckDeps): Promise<CheckOutput> {
  const { approvers } = service;
  return (await isKnownGroup(approvers, table))
    ? pass(`the approver group ${approvers} exists`)
    : fail(
        `the approver group ${approvers} does not exist`,
        `create it with its members:\n${createGroupCommand(approvers)}`,
      );
}

function checkPause({ service }: ServiceCheckDeps): CheckOutput {
  const { name, pausedAt, pausedBy, pauseReason } = service;
  const why = pauseReason === undefined ? '' : `: ${pauseReason}`;
  return (
    pausedAt === undefined ||
    warn(
      `paused since ${pausedAt} by ${pausedBy ?? 'an unknown caller'}${why}`,
      `linkgate resume ${shellWord(name)}`,
    )
  );
}
