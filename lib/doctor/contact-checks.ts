import type { Subscriptions } from '../channels/email/subscriptions.ts';
import { customers } from '../customers/customer.ts';
import { deliveryFailures } from '../customers/delivery-failure.ts';
import { type Delivery, deliveryTo } from '../customers/delivery-status.ts';
import { emailOf } from '../customers/subscribe-contact.ts';
import type { Runtime } from '../runtime/runtime.ts';
import type { Table } from '../storage/table.ts';
import { type Check, failed, ok, type Result, runChecks, warning } from './check.ts';

export interface ContactCheckDeps extends Pick<Runtime, 'reportError'> {
  readonly table: Table;
  readonly consumerSubscriptions: Subscriptions;
}

/** Whether what is written to the contact of each customer arrives, as far as SNS says. */
export async function checkContacts(deps: ContactCheckDeps): Promise<Check[]> {
  const { consumerSubscriptions } = deps;
  let contacts: readonly (readonly [customer: string, delivery: Delivery])[];
  try {
    const all = await customers(deps);
    const isAnybodyMailed = all.some((customer) => emailOf(customer).length > 0);
    const subscriptions = isAnybodyMailed ? await consumerSubscriptions.all() : [];
    const troubles = await deliveryFailures(deps);
    contacts = all.flatMap((customer) => {
      const delivery = deliveryTo(customer, subscriptions, troubles);
      return delivery ? [[customer.name, delivery] as const] : [];
    });
  } catch (error) {
    return runChecks('consumers', null, { contact: () => Promise.reject(error) }, deps);
  }
  const checks = await Promise.all(
    contacts.map(([customer, delivery]) =>
      runChecks('consumers', customer, { contact: () => resultOf(delivery) }, deps),
    ),
  );
  return checks.flat();
}

function resultOf(delivery: Delivery): Result {
  if (delivery.status === 'ok') return ok('its messages are taken');
  const { status, detail, remedy } = delivery;
  // What only they can mend is no failure of this deployment.
  return status === 'unconfirmed' || status === 'refused' ? warning(detail, remedy) : failed(detail, remedy);
}
