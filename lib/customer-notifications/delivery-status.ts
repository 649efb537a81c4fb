import {
  findSubscription,
  isManagedSubscription,
  type Subscription,
  type Subscriptions,
} from '../channels/email/subscriptions.ts';
import type { Contact, Customer } from '../customers/customer.ts';
import { listDeliveryFailures } from '../customers/delivery-failure.ts';
import type { ReadDeps } from '../storage/entity.ts';
import { contactEmails } from './subscribe-contact.ts';

/** Whether messages reach a contact, as SNS shows it. */
export type DeliveryStatus =
  | { readonly status: 'ok' }
  | {
      readonly status: 'unconfirmed' | 'not-subscribed' | 'shared' | 'refused';
      readonly detail: string;
      readonly remedy: string;
    };

export interface DeliveryStatusDeps extends ReadDeps {
  readonly customerSubscriptions: Subscriptions;
}

/** Reads the delivery status of each customer; undefined if the customer has no contact. */
export async function readDeliveryStatuses(
  customers: readonly Customer[],
  { customerSubscriptions, ...deps }: DeliveryStatusDeps,
): Promise<(DeliveryStatus | undefined)[]> {
  const isAnybodyMailed = customers.some((customer) => contactEmails(customer).length > 0);
  const subscriptions = isAnybodyMailed ? await customerSubscriptions.list() : [];
  const failures = await listDeliveryFailures(deps);
  return customers.map(({ name, contact }) => {
    if (!contact) return undefined;
    const failure = failures.find(({ customer }) => customer === name);
    if (failure)
      return { status: 'refused', detail: `${failure.why} (${failure.at})`, remedy: deliveryRemedy(contact) };
    return 'email' in contact
      ? computeEmailDeliveryStatus(name, contact.email, subscriptions)
      : { status: 'ok' };
  });
}

function computeEmailDeliveryStatus(
  name: string,
  address: string,
  subscriptions: readonly Subscription[],
): DeliveryStatus {
  const remedy = `set the contact of ${name} again, with \`linkgate customer set\``;
  const subscription = findSubscription(address, subscriptions);
  if (!subscription)
    return { status: 'not-subscribed', detail: `${address} is not subscribed and gets nothing`, remedy };
  if (subscription.arn === undefined)
    return {
      status: 'unconfirmed',
      detail: `the reader of ${address} has not confirmed the subscription and gets nothing`,
      remedy: `they open the email from AWS Notifications and confirm within two days; to send a new one, ${remedy}`,
    };
  if (isManagedSubscription(subscription)) return { status: 'ok' };
  const detail = `the subscription of ${address} has no filter and gets messages for other customers too`;
  return { status: 'shared', detail, remedy };
}

function deliveryRemedy(contact: Contact): string {
  return 'email' in contact
    ? 'search the log of notify-customers for DeliveryRejectedError'
    : "the topic's owner allows this account to publish to it and does not encrypt it with a KMS key: docs/customers.md has the policy";
}
