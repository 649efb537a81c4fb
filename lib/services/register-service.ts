import * as v from 'valibot';
import { nextVersion } from '../allowlist/entry.ts';
import { defaultGroup } from '../approvers/approver-group.ts';
import type { AccountRegion } from '../locations/account-region.ts';
import type { Mode } from '../mode/mode.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { conflict, retryOnConflict } from '../storage/optimistic-lock.ts';
import type { Table } from '../storage/table.ts';
import { shellWord } from '../values/shell-word.ts';
import { configurationDrift, gatewayLoadBalancerText, isFixableDrift, isPrincipalDrift } from './drift.ts';
import type { EndpointServices, ServiceConfiguration } from './endpoint-services.ts';
import { listRegisteredServices } from './registered-services.ts';
import { fixDrift } from './repair-services.ts';
import {
  type Service,
  ServiceName,
  serviceEntity,
  serviceKey,
  serviceNameFormat,
  serviceSettings,
} from './service.ts';

export interface RegisterDeps extends Runtime {
  readonly table: Table;
  readonly servicesClient: (location: AccountRegion) => EndpointServices;
  /** Reads the mode directly before a call that changes EC2. */
  readonly mode: () => Promise<Mode>;
  /** The location of a new service. */
  readonly hub: AccountRegion;
  /** The SNS topic of connection notifications. */
  readonly topicArn: string;
}

/** The optional settings of a registration. An absent setting stays unchanged. */
const registrationSettings = [...serviceSettings, 'managedBy'] as const;

export type Registration = {
  readonly serviceId: string;
  readonly name?: string | undefined;
} & { readonly [Name in (typeof registrationSettings)[number]]?: Service[Name] | undefined };

/** The account has no such service in this Region. */
export class ServiceNotFoundError extends Error {
  override readonly name = 'ServiceNotFoundError';

  constructor(serviceId: string, { accountId, region }: AccountRegion) {
    super(`account ${accountId} has no endpoint service \`${serviceId}\` in ${region}`);
  }
}

/** Another registered service has this name. */
export class NameTakenError extends Error {
  override readonly name = 'NameTakenError';

  constructor(name: string, serviceId: string) {
    super(`the name \`${name}\` belongs to ${serviceId}; choose another with --name`);
  }
}

/** Another deployment manages the service. Two deployments would overwrite each other's changes. */
export class OtherStageError extends Error {
  override readonly name = 'OtherStageError';

  constructor(serviceId: string, stage: string) {
    super(
      `the stage \`${stage}\` of linkgate manages \`${serviceId}\` (tag \`linkgate\`); remove it there first: linkgate service remove ${serviceId} --stage ${shellWord(stage)}`,
    );
  }
}

/**
 * Registers a service, or updates a registered one, and repairs its tag and its connection notification for all four events.
 * Idempotent.
 * @returns the service, and warnings for the person.
 * @throws ServiceNotFoundError, OtherStageError, NameTakenError, OptimisticLockError
 */
export function registerService(
  registration: Registration,
  by: string,
  deps: RegisterDeps,
): Promise<{ service: Service; warnings: string[] }> {
  return retryOnConflict(registration.serviceId, () => tryRegister(registration, by, deps));
}

/** Attempts a registration. A repair causes an event, so check-service may write the same item at the same time. */
async function tryRegister(
  registration: Registration,
  by: string,
  deps: RegisterDeps,
): Promise<{ service: Service; warnings: string[] } | typeof conflict> {
  const { serviceId } = registration;
  const before = withoutDeregistration(await serviceEntity.find(serviceKey(serviceId), deps.table));
  const location = before?.location ?? deps.hub;
  const services = deps.servicesClient(location);
  const currentConfiguration = await services.describe(serviceId);
  if (!currentConfiguration) throw new ServiceNotFoundError(serviceId, location);
  if (currentConfiguration.otherStage !== undefined)
    throw new OtherStageError(serviceId, currentConfiguration.otherStage);
  const otherServices = await listOtherServices(serviceId, deps);
  const requestedName = registration.name ?? before?.name;
  const namesake = otherServices.find(({ name }) => name === requestedName);
  if (requestedName !== undefined && namesake) throw new NameTakenError(requestedName, namesake.serviceId);
  const byTag = requestedName === undefined ? nameFromTag(currentConfiguration, otherServices) : undefined;
  const name = requestedName ?? byTag?.name ?? serviceId;

  const isActing = (await deps.mode()) === 'enforce';
  if (isActing) await fixDrift(currentConfiguration, services, deps.topicArn);
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
    serviceName: currentConfiguration.serviceName,
    topicArn: deps.topicArn,
    ...pickDefined(registration, registrationSettings),
    acceptanceRequired: currentConfiguration.acceptanceRequired,
    drift: [
      ...(await configurationDrift(configuration, { serviceId, location, topicArn: deps.topicArn }, deps)),
      ...(before?.drift.filter(isPrincipalDrift) ?? []),
    ],
    checkedAt: now.toISOString(),
    policyRevision: nextVersion(before?.policyRevision, now),
    version: (before?.version ?? 0) + 1,
  };
  if (!(await deps.table.write([serviceEntity.put(service, before)]))) return conflict;
  // A concurrent registration may have taken the same name. Both may then revert, because a duplicate name finds neither service.
  if (name !== serviceId && (await listOtherServices(serviceId, deps)).some((other) => other.name === name))
    return revertName(service, before?.name ?? serviceId, deps);
  const isNotFixed = !isActing && service.drift.some(({ check }) => isFixableDrift(check));
  const warnings = [
    ...(byTag?.warnings ?? []),
    ...(isNotFixed ? [notFixedInObserveMode] : []),
    ...serviceWarnings(service),
    ...(currentConfiguration.isGatewayLoadBalancer ? [`${name}: ${gatewayLoadBalancerText}.`] : []),
  ];
  return { service, warnings };
}

async function listOtherServices(serviceId: string, deps: RegisterDeps): Promise<Service[]> {
  return (await listRegisteredServices(deps)).filter((service) => service.serviceId !== serviceId);
}

/** @returns `conflict`, so that the next attempt throws NameTakenError. */
async function revertName(service: Service, name: string, { table }: RegisterDeps): Promise<typeof conflict> {
  await table.write([serviceEntity.put({ ...service, name, version: service.version + 1 }, service)]);
  return conflict;
}

/**
 * Reads the name from the tag `Name`, which may have any value in EC2. Ignores an invalid name, and the name of another service.
 */
function nameFromTag(
  { serviceId, nameTag }: ServiceConfiguration,
  otherServices: readonly Service[],
): { readonly name?: string; readonly warnings: readonly string[] } {
  if (nameTag === undefined) return { warnings: [] };
  const namesake = otherServices.find(({ name }) => name === nameTag);
  if (v.is(ServiceName, nameTag) && !namesake) return { name: nameTag, warnings: [] };
  const why = namesake ? `${namesake.serviceId} has this name` : serviceNameFormat;
  return {
    warnings: [
      `the tag \`Name\` of ${serviceId}, \`${nameTag}\`, cannot be its name in linkgate (${why}), so the service goes by its id. To name it: linkgate service add ${serviceId} --name <name>`,
    ],
  };
}

/** Registering a service again cancels its deregistration. */
function withoutDeregistration(service: Service | undefined): Service | undefined {
  if (!service) return undefined;
  const { deregisteringAt: _at, deregisteringBy: _by, ...rest } = service;
  return rest;
}

/** Picks the properties that are not undefined. */
function pickDefined<T extends object, Name extends keyof T>(values: T, names: readonly Name[]) {
  const defined = names.flatMap((name) =>
    values[name] === undefined ? [] : [[name, values[name]] as const],
  );
  return Object.fromEntries(defined) as { [Each in Name]?: Exclude<T[Each], undefined> };
}

const notFixedInObserveMode =
  'linkgate is in observe mode and did not change EC2: `linkgate mode enforce` adds the missing tag and connection notification';

/**
 * Removes a service from linkgate. Its connections do not change, and linkgate no longer decides its requests.
 * @returns warnings about tags and notifications that remain in EC2.
 * @throws OptimisticLockError
 */
export async function removeService(service: Service, deps: RegisterDeps): Promise<string[]> {
  const { serviceId, location, topicArn } = service;
  const services = deps.servicesClient(location);
  const configuration = await services.describe(serviceId);
  const isTagged = configuration?.isTagged === true;
  const notificationIds = (configuration?.notifications ?? [])
    .filter((notification) => notification.topicArn === topicArn)
    .map(({ notificationId }) => notificationId);
  const reasonToLeave = await reasonToLeaveEc2(configuration, deps);
  if (reasonToLeave === undefined) {
    // linkgate may delete notifications only of services with its tag.
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
  return reasonToLeave === undefined
    ? []
    : cleanupCommands(reasonToLeave, service, isTagged, notificationIds);
}

async function reasonToLeaveEc2(
  configuration: ServiceConfiguration | undefined,
  { mode }: RegisterDeps,
): Promise<string | undefined> {
  if (configuration?.otherStage !== undefined)
    return `the tag of the service names the stage \`${configuration.otherStage}\``;
  return (await mode()) === 'enforce' ? undefined : 'linkgate is in observe mode';
}

/** Returns the AWS commands with which a person can clean up EC2. */
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
    : [
        `${why}, so linkgate did not change EC2. To remove linkgate's tag and notification there: ${commands.join('; ')}`,
      ];
}

/** Warns the person who registers a service of drift, most of all of access that linkgate cannot control. */
function serviceWarnings({ name, drift, onUnlisted }: Service): string[] {
  const ownDrift = drift.filter((each) => !isPrincipalDrift(each));
  return ownDrift.map(({ check, detail }) =>
    check === 'principal-is-everyone' && onUnlisted === 'ask'
      ? `${name}: ${detail}. Any account can create requests that wait for an approval: consider --on-unlisted hold.`
      : `${name}: ${detail}.`,
  );
}
