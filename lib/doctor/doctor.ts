import * as v from 'valibot';
import { listApproverGroups } from '../approvers/approver-group.ts';
import type { Subscriptions } from '../channels/email/subscriptions.ts';
import type { Check } from '../checks/check.ts';
import { runChecks } from '../checks/run-checks.ts';
import type { DeliveryStatusDeps } from '../customer-notifications/delivery-status.ts';
import { type AccountRegion, formatAccountRegion } from '../locations/account-region.ts';
import type { ConnectSlackDeps } from '../operations/connect-slack.ts';
import { settleEach } from '../runtime/runtime.ts';
import { listRegisteredServices, uniqueLocations } from '../services/registered-services.ts';
import type { Service } from '../services/service.ts';
import { createOnce } from '../values/create-once.ts';
import { type AuditCheckDeps, auditChecks } from './audit-check.ts';
import { contactChecks } from './contact-checks.ts';
import { type DeploymentCheckDeps, deploymentChecks } from './deployment-checks.ts';
import { type DoctorResult, toDoctorResult } from './doctor-result.ts';
import { emailChecks } from './email-checks.ts';
import { checkItems, ItemCheckCursor } from './item-checks.ts';
import { type LocationCheckDeps, locationChecks } from './location-checks.ts';
import { type OperationsCheckDeps, operationsChecks } from './operations-checks.ts';
import { queueChecks } from './queue-checks.ts';
import { type ServiceCheckDeps, serviceChecks } from './service-checks.ts';
import { slackChecks } from './slack-checks.ts';

export interface DoctorDeps
  extends DeploymentCheckDeps,
    DeliveryStatusDeps,
    OperationsCheckDeps,
    AuditCheckDeps,
    ConnectSlackDeps,
    Omit<LocationCheckDeps, 'location' | 'services'>,
    Omit<ServiceCheckDeps, 'service' | 'describe'> {
  readonly topicArn: string;
  /** The subscriptions of approvers. */
  readonly subscriptions: Subscriptions;
}

/** The next page of the doctor: the deployment, locations and services by the number of checked ones, then the items of the table. */
export const CheckCursor = v.variant('next', [
  v.object({ next: v.literal('deployment') }),
  v.object({
    next: v.picklist(['locations', 'services']),
    seen: v.pipe(v.number(), v.integer(), v.minValue(0)),
  }),
  v.object({ next: v.literal('items'), ...ItemCheckCursor.entries }),
]);
export type CheckCursor = v.InferOutput<typeof CheckCursor>;

export interface CheckPage {
  readonly checks: readonly DoctorResult[];
  readonly next?: CheckCursor;
}

/** Each subject takes three calls to EC2 or some reads of the table. */
const subjectsPerPage = 5;

/** Checks the deployment, with a remedy for each problem. It returns one page, so that each API request stays short. */
export async function runDoctorPage(position: CheckCursor, deps: DoctorDeps): Promise<CheckPage> {
  if (position.next === 'deployment')
    return { checks: await checkDeployment(deps), next: { next: 'locations', seen: 0 } };
  if (position.next === 'items') {
    const { results, next } = await checkItems(position, deps);
    return {
      checks: results.map((result) => toDoctorResult('items', result)),
      ...(next && { next: { next: 'items', ...next } }),
    };
  }
  const { next, seen } = position;
  const services = await listRegisteredServices(deps);
  const subjects =
    next === 'locations'
      ? uniqueLocations(services).map((location) => () => checkLocation(location, services, deps))
      : services.map((service) => () => checkRegisteredService(service, deps));
  const end = seen + subjectsPerPage;
  const checks = await Promise.all(subjects.slice(seen, end).map((check) => check()));
  return { checks: checks.flat(), next: end < subjects.length ? { next, seen: end } : following[next] };
}

const following: Readonly<Record<'locations' | 'services', CheckCursor>> = {
  locations: { next: 'services', seen: 0 },
  services: { next: 'items', source: 0, read: 0, unreadable: 0 },
};

async function checkDeployment(deps: DoctorDeps): Promise<DoctorResult[]> {
  const { table, parameters } = deps.deployment;
  const input = {
    ...deps,
    deployment: { ...deps.deployment, table: createOnce(table), parameters: createOnce(parameters) },
    readGroups: createOnce(() => listApproverGroups(deps)),
    readSubscriptions: createOnce(() => deps.subscriptions.list()),
    readQueues: createOnce(() => settleEach(deps.deployment.queueUrls, deps.deployment.queue)),
  };
  const checks = await Promise.all([
    runGroup('deployment', deploymentChecks, input),
    runGroup('queues', queueChecks, input),
    runGroup('slack', slackChecks, input),
    runGroup('email', emailChecks, input),
    runGroup('operations', operationsChecks, input),
    runGroup('customers', contactChecks, input),
    runGroup('audit', auditChecks, input),
  ]);
  return checks.flat();
}

function checkLocation(
  location: AccountRegion,
  registered: readonly Service[],
  deps: DoctorDeps,
): Promise<DoctorResult[]> {
  const subject = formatAccountRegion(location);
  const services = registered.filter((service) => formatAccountRegion(service.location) === subject);
  return runGroup('locations', locationChecks, { ...deps, location, services }, subject);
}

/** Checks a service as EC2 shows it now, not as the table last recorded it. */
function checkRegisteredService(service: Service, deps: DoctorDeps): Promise<DoctorResult[]> {
  const { serviceId, name, location } = service;
  const subject = name === serviceId ? serviceId : `${name} (${serviceId})`;
  const describe = createOnce(() => deps.servicesClient(location).describe(serviceId));
  return runGroup('services', serviceChecks, { ...deps, service, describe }, subject);
}

async function runGroup<Input extends DoctorDeps>(
  group: string,
  checks: readonly Check<Input>[],
  input: Input,
  subject?: string,
): Promise<DoctorResult[]> {
  const { reportError } = input;
  const results = await Array.fromAsync(
    runChecks(checks, input, { reportError, functionName: 'on-api-request' }),
  );
  return results.map((result) =>
    toDoctorResult(group, { ...(subject !== undefined && { subject }), ...result }),
  );
}
