import * as v from 'valibot';
import { nextVersion } from '../allowlist/entry.ts';
import { defaultGroup } from '../approvers/approver-group.ts';
import type { AccountRegion } from '../locations/account-region.ts';
import type { Mode } from '../mode/mode.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { conflict, retryOnConflict } from '../storage/optimistic-lock.ts';
import type { Table } from '../storage/table.ts';
import { shellWord } from '../values/shell-word.ts';
import { configurationDrift, gatewayLoadBalancerText } from './drift.ts';
import type { EndpointServices, ServiceConfiguration } from './endpoint-services.ts';
import { listRegisteredServices } from './registered-services.ts';
import { fixDrift } from './repair-services.ts';
import {
  type Drift,
  readService,
  type Service,
  ServiceName,
  serviceItem,
  serviceKey,
  serviceNameFormat,
  serviceSettings,
} from './service.ts';

export interface RegisterDeps extends Runtime {
  readonly table: Table;
  readonly servicesClient: (location: AccountRegion) => EndpointServices;
  /** Read right before EC2 is changed. */
  readonly mode: () => Promise<Mode>;
  /** Where a service is, unless its record says otherwise. */
  readonly hub: AccountRegion;
  /** The topic that connection notifications ring. */
  readonly topicArn: string;
}

/** What may be said of a service, and stays as it was where nothing is. */
const registrationSettings = [...serviceSettings, 'managedBy'] as const;

export type Registration = {
  readonly serviceId: string;
  readonly name?: string | undefined;
} & { readonly [Name in (typeof registrationSettings)[number]]?: Service[Name] | undefined };

/** EC2 shows no such service to this account in this Region. */
export class ServiceNotFoundError extends Error {
  override readonly name = 'ServiceNotFoundError';

  constructor(serviceId: string, { accountId, region }: AccountRegion) {
    super(`account ${accountId} has no endpoint service \`${serviceId}\` in ${region}`);
  }
}

/** Another registered service has this name already. */
export class NameTakenError extends Error {
  override readonly name = 'NameTakenError';

  constructor(name: string, serviceId: string) {
    super(`\`${name}\` is the name of ${serviceId}; give another with --name`);
  }
}

/** Another deployment looks after the service: two would work against each other. */
export class OtherStageError extends Error {
  override readonly name = 'OtherStageError';

  constructor(serviceId: string, stage: string) {
    super(
      `linkgate's stage \`${stage}\` looks after \`${serviceId}\` (its tag \`linkgate\`); take it out there first: linkgate service remove ${serviceId} --stage ${shellWord(stage)}`,
    );
  }
}

/**
 * Registers a service, or repairs what linkgate needs of one that is registered: its tag and its connection
 * notification for all four events. May be repeated.
 * @returns the service, and what a person should know about it.
 * @throws ServiceNotFoundError, OtherStageError, NameTakenError, OptimisticLockError
 */
export function registerService(
  registration: Registration,
  by: string,
  deps: RegisterDeps,
): Promise<{ service: Service; warnings: string[] }> {
  return retryOnConflict(registration.serviceId, () => tryRegister(registration, by, deps));
}

/** What it repairs is an event of its own, which has linkgate look at the service at the same time. */
async function tryRegister(
  registration: Registration,
  by: string,
  deps: RegisterDeps,
): Promise<{ service: Service; warnings: string[] } | typeof conflict> {
  const { serviceId } = registration;
  const [item] = await deps.table.get([serviceKey(serviceId)]);
  const before = withoutDeregistration(item && readService(item));
  const location = before?.location ?? deps.hub;
  const services = deps.servicesClient(location);
  const found = await services.describe(serviceId);
  if (!found) throw new ServiceNotFoundError(serviceId, location);
  if (found.otherStage !== undefined) throw new OtherStageError(serviceId, found.otherStage);
  const others = await otherServices(serviceId, deps);
  const said = registration.name ?? before?.name;
  const namesake = others.find(({ name }) => name === said);
  if (said !== undefined && namesake) throw new NameTakenError(said, namesake.serviceId);
  const byTag = said === undefined ? nameFromTag(found, others) : undefined;
  const name = said ?? byTag?.name ?? serviceId;

  const isActing = (await deps.mode()) === 'enforce';
  if (isActing) await fixDrift(found, services, deps.topicArn);
  const configuration = await services.describe(serviceId);
  const now = deps.now();
  const service: Service = {
    onUnlisted: 'ask',
    approvers: defaultGroup,
    registeredAt: now.toISOString(),
    registeredBy: by,
    ...before,
    changedAt: now.toISOString(),
    changedBy: by,
    serviceId,
    name,
    location,
    serviceName: found.serviceName,
    topicArn: deps.topicArn,
    ...pickDefined(registration, registrationSettings),
    acceptanceRequired: found.acceptanceRequired,
    drift: configurationDrift(configuration, deps.topicArn),
    checkedAt: now.toISOString(),
    policyRevision: nextVersion(before?.policyRevision, now),
    version: (before?.version ?? 0) + 1,
  };
  if (!(await deps.table.write([{ put: serviceItem(service), expected: before?.version ?? 0 }])))
    return conflict;
  // Another registration may have taken the name since it was looked up. Both may give way here; a name of two finds neither.
  if (name !== serviceId && (await otherServices(serviceId, deps)).some((other) => other.name === name))
    return revertName(service, before?.name ?? serviceId, deps);
  const isNotFixed = !isActing && service.drift.some(({ check }) => driftFixedByLinkgate.includes(check));
  const warnings = [
    ...(byTag?.warnings ?? []),
    ...(isNotFixed ? [notFixedInObserveMode] : []),
    ...serviceWarnings(service),
    ...(found.isGatewayLoadBalancer ? [`${name}: ${gatewayLoadBalancerText}.`] : []),
  ];
  return { service, warnings };
}

async function otherServices(serviceId: string, deps: RegisterDeps): Promise<Service[]> {
  return (await listRegisteredServices(deps)).filter((service) => service.serviceId !== serviceId);
}

/** @returns `lost`, so that the next attempt says whose the name is. */
async function revertName(service: Service, name: string, { table }: RegisterDeps): Promise<typeof conflict> {
  const { version } = service;
  await table.write([{ put: serviceItem({ ...service, name, version: version + 1 }), expected: version }]);
  return conflict;
}

/** EC2 takes anything for the tag `Name`; what is no name, or another service's, is none here. */
function nameFromTag(
  { serviceId, nameTag }: ServiceConfiguration,
  others: readonly Service[],
): { readonly name?: string; readonly warnings: readonly string[] } {
  if (nameTag === undefined) return { warnings: [] };
  const namesake = others.find(({ name }) => name === nameTag);
  if (v.is(ServiceName, nameTag) && !namesake) return { name: nameTag, warnings: [] };
  const why = namesake ? `it is the name of ${namesake.serviceId}` : serviceNameFormat;
  return {
    warnings: [
      `the tag \`Name\` of ${serviceId}, \`${nameTag}\`, is no name here (${why}), so that the service goes by its id. To name it: linkgate service add ${serviceId} --name <name>`,
    ],
  };
}

/** Who registers a service again does not want it taken out any more. */
function withoutDeregistration(service: Service | undefined): Service | undefined {
  if (!service) return undefined;
  const { deregisteringAt: _at, deregisteringBy: _by, ...rest } = service;
  return rest;
}

/** What was said, and nothing of what was not. */
function pickDefined<T extends object, Name extends keyof T>(values: T, names: readonly Name[]) {
  const said = names.flatMap((name) => (values[name] === undefined ? [] : [[name, values[name]] as const]));
  return Object.fromEntries(said) as { [Each in Name]?: Exclude<T[Each], undefined> };
}

const notFixedInObserveMode =
  "linkgate's mode is observe, so EC2 was left alone: `linkgate mode enforce` makes good what is missing of the tag and the connection notification";

/** What `repair` puts right. */
const driftFixedByLinkgate: readonly Drift['check'][] = [
  'tag-is-missing',
  'notification-is-missing',
  'notification-is-disabled',
  'notification-lacks-events',
];

/**
 * Takes a service out of linkgate's care: its connections stay as they are, its requests are no longer decided.
 * @returns what a person should know about what stays in EC2.
 * @throws OptimisticLockError
 */
export async function removeService(service: Service, deps: RegisterDeps): Promise<string[]> {
  const { serviceId, location, topicArn } = service;
  const services = deps.servicesClient(location);
  const found = await services.describe(serviceId);
  const isTagged = found?.isTagged === true;
  const notificationIds = (found?.notifications ?? [])
    .filter((notification) => notification.topicArn === topicArn)
    .map(({ notificationId }) => notificationId);
  const kept = await reasonToLeaveEc2(found, deps);
  if (kept === undefined) {
    // EC2 lets linkgate delete notifications of services with its tag alone.
    if (notificationIds.length > 0 && !isTagged) await services.tag(serviceId);
    for (const notificationId of notificationIds) await services.deleteNotification(notificationId);
    if (isTagged || notificationIds.length > 0) await services.untag(serviceId);
  }
  await retryOnConflict(serviceId, async () => {
    const [item] = await deps.table.get([serviceKey(serviceId)]);
    if (!item) return;
    const remove = serviceKey(serviceId);
    return (await deps.table.write([{ remove, expected: item.version }])) ? undefined : conflict;
  });
  return kept === undefined ? [] : cleanupCommands(kept, service, isTagged, notificationIds);
}

async function reasonToLeaveEc2(
  found: ServiceConfiguration | undefined,
  { mode }: RegisterDeps,
): Promise<string | undefined> {
  if (found?.otherStage !== undefined)
    return `the service carries the tag of the stage \`${found.otherStage}\``;
  return (await mode()) === 'enforce' ? undefined : "linkgate's mode is observe";
}

/** Nothing is taken away in EC2: a person is told how. */
function cleanupCommands(
  why: string,
  { serviceId, location: { region } }: Service,
  isTagged: boolean,
  notificationIds: readonly string[],
): string[] {
  const commands = [
    ...(isTagged
      ? [`aws ec2 delete-tags --region ${region} --resources ${serviceId} --tags Key=linkgate`]
      : []),
    ...(notificationIds.length > 0
      ? [
          `aws ec2 delete-vpc-endpoint-connection-notifications --region ${region} --connection-notification-ids ${notificationIds.join(' ')}`,
        ]
      : []),
  ];
  return commands.length === 0
    ? []
    : [`${why}, so EC2 was left alone. To take away what linkgate made there: ${commands.join('; ')}`];
}

/** What a person who registers a service should know: much of it is access that linkgate cannot guard. */
function serviceWarnings({ name, drift, onUnlisted }: Service): string[] {
  return drift.map(({ check, detail }) =>
    check === 'principal-is-everyone' && onUnlisted === 'ask'
      ? `${name}: ${detail}. Anybody can open requests that wait for a person: consider --on-unlisted hold.`
      : `${name}: ${detail}.`,
  );
}
