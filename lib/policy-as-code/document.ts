import * as v from 'valibot';
import { AllowlistEntry, MaxEndpoints } from '../allowlist/entry.ts';
import { Actor } from '../approvers/actor.ts';
import { ApproverGroup, GroupName } from '../approvers/approver-group.ts';
import { Contact, CustomerName } from '../customers/customer.ts';
import { AccountRegion } from '../locations/account-region.ts';
import { AccountId } from '../privatelink/connection.ts';
import { Service, ServiceName, serviceSettings } from '../services/service.ts';
import { Instant } from '../values/instant.ts';

/** Where in which file something stands, for people: `policy.yml:12:5`. It says nothing else and is not kept. */
const At = v.exactOptional(v.string());

const settings = v.partial(v.pick(Service, serviceSettings));

/** A service as the document names it: by its id, or, where it is registered already, by its own name alone. */
const ServiceOf = v.pipe(
  v.strictObject({
    serviceId: v.exactOptional(Service.entries.serviceId),
    name: v.exactOptional(ServiceName),
    region: v.exactOptional(AccountRegion.entries.region),
    accountId: v.exactOptional(AccountId),
    ...settings.entries,
    at: At,
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
const EntryOf = v.variant('effect', [
  v.strictObject({
    service: v.string(),
    accountId: AccountId,
    effect: v.literal('allow'),
    endpointIds,
    consumerRegions,
    maxEndpoints,
    expiresAt,
    owners,
    note,
    customer,
    roles,
    at: At,
  }),
  v.strictObject({
    service: v.string(),
    accountId: AccountId,
    effect: v.literal('block'),
    owners,
    note,
    customer,
    at: At,
  }),
]);

/**
 * A whole policy, as policy files come to it: includes read, environments chosen, customers and lists of services taken apart into one
 * entry an account and service, durations in seconds, dates as instants. What follows from the file and nothing else: the table
 * is not known to it.
 */
export const PolicyDocument = v.strictObject({
  groups: v.array(
    v.strictObject({
      ...v.omit(ApproverGroup, ['name', 'managedBy', 'changedAt', 'changedBy', 'version']).entries,
      name: GroupName,
      at: At,
    }),
  ),
  services: v.array(ServiceOf),
  customers: v.array(
    v.strictObject({
      name: CustomerName,
      accounts: v.array(AccountId),
      contact: v.exactOptional(Contact),
      owners: v.exactOptional(v.array(Actor)),
      contractEndsAt: v.exactOptional(Instant),
      at: At,
    }),
  ),
  entries: v.array(EntryOf),
});
export type PolicyDocument = v.InferOutput<typeof PolicyDocument>;
