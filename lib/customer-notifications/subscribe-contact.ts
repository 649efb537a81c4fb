import { type Subscriptions, subscribeAddresses } from '../channels/email/subscriptions.ts';
import type { Customer } from '../customers/customer.ts';
import type { Runtime } from '../runtime/runtime.ts';

interface SubscribeContactDeps extends Pick<Runtime, 'reportError'> {
  readonly customerSubscriptions: Subscriptions;
}

/**
 * Subscribes the email address of a customer, if it has one, to the SNS topic of customer notifications.
 * @param all customers, whose addresses stay subscribed; undefined if a customer is unreadable.
 * @returns warnings for the caller.
 */
export function subscribeContact(
  { name, contact }: { readonly name: string; readonly contact?: Customer['contact'] | undefined },
  all: readonly Pick<Customer, 'contact'>[] | undefined,
  { customerSubscriptions: subscriptions, reportError }: SubscribeContactDeps,
): Promise<string[]> {
  const remedy = `set the customer ${name} again, or see \`linkgate doctor\``;
  const contactAddresses = all?.flatMap(contactEmails);
  return subscribeAddresses(contactEmails({ contact }), contactAddresses, {
    subscriptions,
    reportError,
    remedy,
  });
}

export function contactEmails({ contact }: { readonly contact?: Customer['contact'] | undefined }): string[] {
  return contact && 'email' in contact ? [contact.email] : [];
}
