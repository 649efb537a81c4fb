import type { Subscriptions } from '../channels/email/subscriptions.ts';
import { type Check, type CheckOutput, type CheckResult, fail, pass, warn } from '../checks/check.ts';
import { computeDeliveryStatus, type DeliveryStatus } from '../customer-notifications/delivery-status.ts';
import { contactEmails } from '../customer-notifications/subscribe-contact.ts';
import { listCustomers } from '../customers/customer.ts';
import { listDeliveryFailures } from '../customers/delivery-failure.ts';
import type { ReadDeps } from '../storage/entity.ts';

export interface ContactCheckDeps extends ReadDeps {
  readonly customerSubscriptions: Subscriptions;
}

export const contactChecks: readonly Check<ContactCheckDeps>[] = [
  { id: 'contact', title: 'the contact of each customer receives its messages', run: checkContacts },
];

/** Checks the delivery status of each customer's contact in SNS. */
async function checkContacts(deps: ContactCheckDeps): Promise<CheckOutput> {
  const customers = await listCustomers(deps);
  const isAnybodyMailed = customers.some((customer) => contactEmails(customer).length > 0);
  const subscriptions = isAnybodyMailed ? await deps.customerSubscriptions.list() : [];
  const deliveryFailures = await listDeliveryFailures(deps);
  return customers.flatMap((customer) => {
    const delivery = computeDeliveryStatus(customer, subscriptions, deliveryFailures);
    return delivery ? { subject: customer.name, ...toContactResult(delivery) } : [];
  });
}

function toContactResult(delivery: DeliveryStatus): CheckResult {
  if (delivery.status === 'ok') return pass('SNS accepts its messages');
  const { status, detail, remedy } = delivery;
  // Only the customer can fix this problem, so it is no failure of the deployment.
  return status === 'unconfirmed' || status === 'refused' ? warn(detail, remedy) : fail(detail, remedy);
}
