import { contactTroubles } from '../customer/contact-trouble.ts';
import { customers } from '../customer/customer.ts';
import { type Delivery, deliveryTo } from '../customer/delivery.ts';
import { emailOf } from '../customer/subscribe-contact.ts';
import type { Invocation } from '../invocation.ts';
import type { Subscriptions } from '../mail/subscriptions.ts';
import type { Table } from '../table/table.ts';
import { type Check, examine, failed, ok, type Result, warning } from './check.ts';

export interface ExaminingContacts extends Pick<Invocation, 'report'> {
  readonly table: Table;
  readonly consumerSubscriptions: Subscriptions;
}

/** Whether what is written to the contact of each customer arrives, as far as SNS says. */
export async function examineContacts(deps: ExaminingContacts): Promise<Check[]> {
  const { consumerSubscriptions } = deps;
  let contacts: readonly (readonly [customer: string, delivery: Delivery])[];
  try {
    const all = await customers(deps);
    const isAnybodyMailed = all.some((customer) => emailOf(customer).length > 0);
    const subscriptions = isAnybodyMailed ? await consumerSubscriptions.all() : [];
    const troubles = await contactTroubles(deps);
    contacts = all.flatMap((customer) => {
      const delivery = deliveryTo(customer, subscriptions, troubles);
      return delivery ? [[customer.name, delivery] as const] : [];
    });
  } catch (error) {
    return examine('consumers', null, { contact: () => Promise.reject(error) }, deps);
  }
  const checks = await Promise.all(
    contacts.map(([customer, delivery]) =>
      examine('consumers', customer, { contact: () => resultOf(delivery) }, deps),
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
