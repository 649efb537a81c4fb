import { type ConnectionRecord, readRecord, recordKey } from '../connections/connection-record.ts';
import { hasContact, type NotifiableCustomer } from '../customers/customer.ts';
import { findCustomersByAccount } from '../customers/customer-by-account.ts';
import { deliveryFailureItem, deliveryFailureKey } from '../customers/delivery-failure.ts';
import { awsServiceName } from '../locations/account-region.ts';
import type { ReadMode } from '../mode/mode.ts';
import { orReported, type Runtime } from '../runtime/runtime.ts';
import { readService, serviceKey } from '../services/service.ts';
import { indexByKey, parseEach } from '../storage/entity.ts';
import { type Table, type Write, writesPerTransaction } from '../storage/table.ts';
import { chunks } from '../values/chunks.ts';
import {
  type CustomerMessages,
  composeCustomerEmail,
  composeCustomerSummaryEmail,
  type EndpointEvent,
} from './customer-email.ts';
import { nextCustomerEvent } from './customer-event.ts';
import { type CustomerSender, DeliveryRejectedError } from './customer-sender.ts';
import type { CustomerEndpoint } from './enqueue-missed.ts';
import {
  type LastNotification,
  lastNotificationItem,
  lastNotificationKey,
  readLastNotification,
  selectLastEvent,
} from './last-notification.ts';

export interface NotifyCustomersDeps extends Pick<Runtime, 'now' | 'reportError'> {
  readonly table: Table;
  readonly mode: ReadMode;
  readonly customerSender: CustomerSender;
  readonly messages: CustomerMessages;
}

interface DueNotification {
  readonly customer: NotifiableCustomer;
  readonly record: ConnectionRecord;
  readonly lastNotification: LastNotification | undefined;
  readonly endpointEvent: EndpointEvent;
}

/** The maximum number of simultaneous events of one contact with separate emails. More events share one email. */
const maxIndividualEmails = 5;

/**
 * Sends the contacts of customers the events that they do not know yet, from the current records. Delivery is at least once: a
 * run that crashes before it records an event sends it again.
 * @returns the endpoints whose events need a retry.
 */
export async function notifyCustomers(
  endpoints: readonly CustomerEndpoint[],
  deps: NotifyCustomersDeps,
): Promise<{ readonly notified: number; readonly failed: readonly string[] }> {
  const accountIds = endpoints.map(({ ownerAccountId }) => ownerAccountId);
  const customers = await findCustomersByAccount(accountIds, deps);
  const endpointsWithCustomer = endpoints.flatMap(({ endpointId, ownerAccountId }) => {
    const customer = customers.get(ownerAccountId);
    return hasContact(customer) ? [{ endpointId, customer }] : [];
  });
  // Verdicts in mode observe stay internal.
  if (endpointsWithCustomer.length === 0 || (await deps.mode()) !== 'enforce')
    return { notified: 0, failed: [] };

  const dueNotifications = await selectDueNotifications(endpointsWithCustomer, deps);
  const failed: string[] = [];
  for (const customerNotifications of Map.groupBy(dueNotifications, ({ customer }) => customer.name).values())
    for (const batch of customerNotifications.length > maxIndividualEmails
      ? [customerNotifications]
      : chunks(customerNotifications, 1)) {
      const isDone = await orReported(deps.reportError, 'send customer notification', () =>
        sendNotification(batch, deps),
      );
      if (!isDone) failed.push(...batch.map(({ record }) => record.endpointId));
    }
  return { notified: dueNotifications.length - failed.length, failed };
}

async function selectDueNotifications(
  endpointsWithCustomer: readonly { readonly endpointId: string; readonly customer: NotifiableCustomer }[],
  { table, reportError }: NotifyCustomersDeps,
): Promise<DueNotification[]> {
  const itemsByKey = indexByKey(
    await table.get(
      endpointsWithCustomer.flatMap(({ endpointId }) => [
        recordKey(endpointId),
        lastNotificationKey(endpointId),
      ]),
    ),
  );
  const notNotified = endpointsWithCustomer.flatMap(({ endpointId, customer }) => {
    const [record] = parseEach(itemsByKey.all([recordKey(endpointId)]), readRecord, reportError);
    const items = itemsByKey.all([lastNotificationKey(endpointId)]);
    const [lastNotification] = parseEach(items, readLastNotification, reportError);
    // With an unreadable item the customer would receive the same event repeatedly.
    if (items.length > 0 && !lastNotification) return [];
    const endpointEvent = record && nextCustomerEvent(record, selectLastEvent(customer, lastNotification));
    return endpointEvent ? [{ customer, record, lastNotification, endpointEvent }] : [];
  });
  if (notNotified.length === 0) return [];
  const services = indexByKey(await table.get(notNotified.map(({ record }) => serviceKey(record.serviceId))));
  return notNotified.map(({ record, lastNotification, endpointEvent, ...due }) => {
    const item = services.find(serviceKey(record.serviceId));
    const { serviceId, endpointId, ownerAccountId, endpointRegion, location } = record;
    const [service] = parseEach(item ? [item] : [], readService, reportError);
    const endpointDetails = {
      endpointId,
      ownerAccountId,
      region: endpointRegion ?? location.region,
      serviceId,
      // A deregistered service keeps the name of the last notification, or its service id.
      service: service?.name ?? lastNotification?.service ?? serviceId,
      serviceName: service?.serviceName ?? awsServiceName(location, serviceId),
    };
    return { ...due, record, lastNotification, endpointEvent: { ...endpointDetails, ...endpointEvent } };
  });
}

/**
 * @returns true if no retry is needed: linkgate sent the message, or SNS rejected it, which is stored as a delivery failure.
 * @throws if a retry may help
 */
async function sendNotification(batch: readonly DueNotification[], deps: NotifyCustomersDeps): Promise<true> {
  const [first] = batch;
  if (!first) return true;
  const { customerSender, messages, table, reportError } = deps;
  const now = deps.now();
  const { customer } = first;
  const endpointEvents = batch.map((each) => each.endpointEvent);
  const mail =
    endpointEvents.length === 1
      ? composeCustomerEmail(first.endpointEvent, messages)
      : composeCustomerSummaryEmail(endpointEvents, messages);
  try {
    await customerSender.send(customer.contact, mail, endpointEvents);
  } catch (error) {
    if (!(error instanceof DeliveryRejectedError)) throw error;
    reportError(error, 'send customer notification');
    await table.write([{ put: deliveryFailureItem(customer.name, error.message, now) }]);
    return true;
  }
  for (const chunk of chunks(batch, writesPerTransaction - 1))
    await recordNotifications(customer, chunk, deps);
  return true;
}

/** Records the sent events. On a conflict it writes them one by one, so that one conflict does not affect the others. */
async function recordNotifications(
  customer: NotifiableCustomer,
  sentNotifications: readonly DueNotification[],
  { table, now }: NotifyCustomersDeps,
): Promise<void> {
  const writes = sentNotifications.map(
    ({ record, lastNotification, endpointEvent }): Write => ({
      put: lastNotificationItem(record.endpointId, customer, endpointEvent, lastNotification, now()),
      expected: lastNotification?.version ?? 0,
    }),
  );
  if (await table.write([...writes, { remove: deliveryFailureKey(customer.name) }])) return;
  for (const write of writes) await table.write([write]);
}
