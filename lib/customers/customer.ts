import * as v from 'valibot';
import { AccountId } from '../privatelink/connection.ts';
import { ManagedBy } from '../runtime/managed-by.ts';
import { entity, type ReadDeps, readPartition } from '../storage/entity.ts';
import type { Key } from '../storage/table.ts';
import { Email } from '../values/email-address.ts';
import { Instant } from '../values/instant.ts';

export const CustomerName = v.pipe(
  v.string(),
  v.regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/, 'a customer has a name of letters, digits, `.`, `_` and `-`'),
);

export const ContactTopic = v.pipe(
  v.string(),
  v.regex(
    /^arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:linkgate-[A-Za-z0-9_-]+$/,
    "a contact's topic looks like arn:aws:sns:us-east-1:111122223333:linkgate-notices: its name begins with `linkgate-`",
  ),
);

const contactEmail = v.pipe(Email, v.toLowerCase());

/**
 * The target of a customer's notifications: an email address, or an SNS topic in the customer's account. The topic name begins
 * with `linkgate-`: the IAM policy of linkgate allows sns:Publish to no other topic.
 */
export const Contact = v.union(
  [v.strictObject({ topicArn: ContactTopic }), v.strictObject({ email: contactEmail })],
  'a contact is an `email` or a `topicArn`, one of them, as a text',
);
export type Contact = v.InferOutput<typeof Contact>;

export function contactAddress(contact: Contact): string {
  return 'email' in contact ? contact.email : contact.topicArn;
}

/** The organisation that owns accounts. Decisions do not read it, because the allowlist entry contains all that they need. */
export const Customer = v.object({
  name: CustomerName,
  accounts: v.array(AccountId),
  /** Absent if the customer gets no notifications. */
  // The schema is not strict, because a newer version of linkgate may have written more attributes.
  contact: v.exactOptional(
    v.union([v.object({ topicArn: ContactTopic }), v.object({ email: contactEmail })]),
  ),
  /** Actors who own the accounts. They cannot approve requests of these accounts. */
  owners: v.exactOptional(v.array(v.string())),
  /** ISO 8601: the expiry of its accounts' allowlist entries. */
  contractEndsAt: v.exactOptional(Instant),
  managedBy: v.exactOptional(ManagedBy),
  changedAt: v.string(),
  changedBy: v.string(),
  version: v.number(),
});
export type Customer = v.InferOutput<typeof Customer>;

/** A customer with a contact. */
export type NotifiableCustomer = Customer & { readonly contact: Contact };

export function hasContact(customer: Customer | undefined): customer is NotifiableCustomer {
  return customer?.contact !== undefined;
}

export const customerEntity = entity(Customer.entries, ({ name }) => customerKey(name));
export const { read: readCustomer, item: customerItem } = customerEntity;

export const customerPartition = 'CUSTOMER';

export function customerKey(name: string): Key {
  return { pk: customerPartition, sk: name };
}

export function listCustomers(deps: ReadDeps): Promise<Customer[]> {
  return readPartition(customerPartition, readCustomer, deps);
}
