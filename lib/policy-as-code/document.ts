import * as v from 'valibot';
import { AllowlistEntry, MaxEndpoints } from '../allowlist/entry.ts';
import { Actor } from '../approvers/actor.ts';
import { GroupName } from '../approvers/approver-group.ts';
import { Contact, CustomerName } from '../customers/customer.ts';
import { AccountRegion } from '../locations/account-region.ts';
import { AccountId } from '../privatelink/connection.ts';
import { Service, ServiceName, ServiceSettings } from '../services/service.ts';
import { Instant } from '../values/instant.ts';
import { PolicyGroupSettings } from './change.ts';

/** The position in a file, for messages: `policy.yml:12:5`. linkgate does not store it. */
const PositionText = v.exactOptional(v.string());

/** A service in the document: by its id, or by its name if it is registered. */
const DocumentService = v.pipe(
  v.strictObject({
    serviceId: v.exactOptional(Service.entries.serviceId),
    name: v.exactOptional(ServiceName),
    region: v.exactOptional(AccountRegion.entries.region),
    accountId: v.exactOptional(AccountId),
    ...ServiceSettings.entries,
    at: PositionText,
  }),
  v.check(
    ({ serviceId, name }) => serviceId !== undefined || name !== undefined,
    'a service has an id or a name',
  ),
);

const { expiresAt, endpointIds, consumerRegions, note, customer, roles } = AllowlistEntry.entries;
const maxEndpoints = v.exactOptional(MaxEndpoints);
const owners = v.exactOptional(v.pipe(v.array(Actor), v.minLength(1)));

/** `service`: the id or the name of a service, or `*`. */
const entryTargetFields = { service: v.string(), accountId: AccountId };
const sharedEntryFields = { owners, note, customer, at: PositionText };
const DocumentEntry = v.variant('effect', [
  v.strictObject({
    ...entryTargetFields,
    effect: v.literal('allow'),
    endpointIds,
    consumerRegions,
    maxEndpoints,
    expiresAt,
    roles,
    ...sharedEntryFields,
  }),
  v.strictObject({ ...entryTargetFields, effect: v.literal('block'), ...sharedEntryFields }),
]);

/**
 * A whole policy that the command line resolved from policy files without the table: with includes, for one environment, with one
 * entry for each account and service, durations in seconds and dates as instants.
 */
export const PolicyDocument = v.strictObject({
  groups: v.array(
    v.strictObject({
      ...PolicyGroupSettings.entries,
      name: GroupName,
      at: PositionText,
    }),
  ),
  services: v.array(DocumentService),
  customers: v.array(
    v.strictObject({
      name: CustomerName,
      accounts: v.array(AccountId),
      contact: v.exactOptional(Contact),
      owners: v.exactOptional(v.array(Actor)),
      contractEndsAt: v.exactOptional(Instant),
      at: PositionText,
    }),
  ),
  entries: v.array(DocumentEntry),
});
export type PolicyDocument = v.InferOutput<typeof PolicyDocument>;
