import type { Subscriptions } from '../channels/email/subscriptions.ts';
import { computeDeliveryStatus, type DeliveryStatus } from '../customer-notifications/delivery-status.ts';
import { contactEmails } from '../customer-notifications/subscribe-contact.ts';
import { listCustomers } from '../customers/customer.ts';
import { listDeliveryFailures } from '../customers/delivery-failure.ts';
import type { Runtime } from '../runtime/runtime.ts';
import type { Table } from '../storage/table.ts';
import { type Check, type CheckResult, failed, ok, runChecks, warning } from './check.ts';

export interface ContactCheckDeps extends Pick<Runtime, 'reportError'> {
  readonly table: Table;
  readonly customerSubscriptions: Subscriptions;
}

/** Checks the delivery status of each customer's contact in SNS. */
export async function checkContacts(deps: ContactCheckDeps): Promise<Check[]> {
  const { customerSubscriptions } = deps;
  let contacts: readonly (readonly [customer: string, delivery: DeliveryStatus])[];
  try {
    const all = await listCustomers(deps);
    const isAnybodyMailed = all.some((customer) => contactEmails(customer).length > 0);
    const subscriptions = isAnybodyMailed ? await customerSubscriptions.list() : [];
    const troubles = await listDeliveryFailures(deps);
    contacts = all.flatMap((customer) => {
      const delivery = computeDeliveryStatus(customer, subscriptions, troubles);
      return delivery ? [[customer.name, delivery] as const] : [];
    });
  } catch (error) {
    return runChecks('customers', null, { contact: () => Promise.reject(error) }, deps);
  }
  const checks = await Promise.all(
    contacts.map(([customer, delivery]) =>
      runChecks('customers', customer, { contact: () => toContactResult(delivery) }, deps),
    ),
  );
  return checks.flat();
}

function toContactResult(delivery: DeliveryStatus): CheckResult {
  if (delivery.status === 'ok') return ok('SNS accepts its messages');
  const { status, detail, remedy } = delivery;
  // Only the customer can fix this problem, so it is no failure of the deployment.
  return status === 'unconfirmed' || status === 'refused' ? warning(detail, remedy) : failed(detail, remedy);
}
