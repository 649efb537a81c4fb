import { type Check, type CheckOutput, type CheckResult, fail, pass, warn } from '../checks/check.ts';
import {
  type DeliveryStatus,
  type DeliveryStatusDeps,
  readDeliveryStatuses,
} from '../customer-notifications/delivery-status.ts';
import { listCustomers } from '../customers/customer.ts';

export const contactChecks: readonly Check<DeliveryStatusDeps>[] = [
  { id: 'contact', title: 'the contact of each customer receives its messages', run: checkContacts },
];

/** Checks the delivery status of each customer's contact in SNS. */
async function checkContacts(deps: DeliveryStatusDeps): Promise<CheckOutput> {
  const customers = await listCustomers(deps);
  const statuses = await readDeliveryStatuses(customers, deps);
  return customers.flatMap(({ name }, position) => {
    const delivery = statuses[position];
    return delivery ? { subject: name, ...toContactResult(delivery) } : [];
  });
}

function toContactResult(delivery: DeliveryStatus): CheckResult {
  if (delivery.status === 'ok') return pass('SNS accepts its messages');
  const { status, detail, remedy } = delivery;
  // Only the customer can fix this problem, so it is no failure of the deployment.
  return status === 'unconfirmed' || status === 'refused' ? warn(detail, remedy) : fail(detail, remedy);
}
