import { type ConnectionRecord, readRecord, recordKey } from '../connections/connection-record.ts';
import { awsServiceName } from '../locations/account-region.ts';
import type { ReadMode } from '../mode/mode.ts';
import { orReported, type Runtime } from '../runtime/runtime.ts';
import { readService, serviceKey } from '../services/service.ts';
import { indexByKey, parseEach } from '../storage/entity.ts';
import { type Table, type Write, writesPerTransaction } from '../storage/table.ts';
import { chunks } from '../values/chunks.ts';
import { hasContact, type NotifiableCustomer } from './customer.ts';
import { customersOf } from './customer-by-account.ts';
import { nextCustomerEvent } from './customer-event.ts';
import { type CustomerSender, DeliveryRejectedError } from './customer-sender.ts';
import { deliveryFailureItem, deliveryFailureKey } from './delivery-failure.ts';
import type { Endpoint } from './enqueue-missed.ts';
import { type CustomerMessages, type EndpointEvent, emailFor, emailForMany } from './message.ts';
import { knownTo, type NotifiedState, notifiedItem, notifiedKey, readNotified } from './notified.ts';

export interface NotifyCustomersDeps extends Pick<Runtime, 'now' | 'reportError'> {
  readonly table: Table;
  readonly mode: ReadMode;
  readonly post: CustomerSender;
  readonly messages: CustomerMessages;
}

interface Due {
  readonly customer: NotifiableCustomer;
  readonly record: ConnectionRecord;
  readonly told: NotifiedState | undefined;
  readonly news: EndpointEvent;
}

/** How many news a contact is told one by one; with more at once they share a message. */
const oneByOne = 5;

/**
 * Tells the contacts of endpoints' owners what they do not know yet, by the records as they are now. Told is remembered after it was said:
 * what dies in between says it again.
 * @returns the endpoints of which it was not told, and has to be tried again.
 */
export async function notifyCustomers(
  endpoints: readonly Endpoint[],
  deps: NotifyCustomersDeps,
): Promise<{ readonly told: number; readonly failed: readonly string[] }> {
  const accountIds = endpoints.map(({ ownerAccountId }) => ownerAccountId);
  const customers = await customersOf(accountIds, deps);
  const theirs = endpoints.flatMap(({ endpointId, ownerAccountId }) => {
    const customer = customers.get(ownerAccountId);
    return hasContact(customer) ? [{ endpointId, customer }] : [];
  });
  // What linkgate would do in another mode is nobody's business outside.
  if (theirs.length === 0 || (await deps.mode()) !== 'enforce') return { told: 0, failed: [] };

  const due = await dueOf(theirs, deps);
  const failed: string[] = [];
  for (const ofOne of Map.groupBy(due, ({ customer }) => customer.name).values())
    for (const together of ofOne.length > oneByOne ? [ofOne] : chunks(ofOne, 1)) {
      const isDone = await orReported(deps.reportError, () => tell(together, deps));
      if (!isDone) failed.push(...together.map(({ record }) => record.endpointId));
    }
  return { told: due.length - failed.length, failed };
}

async function dueOf(
  theirs: readonly { readonly endpointId: string; readonly customer: NotifiableCustomer }[],
  { table, reportError }: NotifyCustomersDeps,
): Promise<Due[]> {
  const found = indexByKey(
    await table.get(theirs.flatMap(({ endpointId }) => [recordKey(endpointId), notifiedKey(endpointId)])),
  );
  const known = theirs.flatMap(({ endpointId, customer }) => {
    const [record] = parseEach(found.all([recordKey(endpointId)]), readRecord, reportError);
    const items = found.all([notifiedKey(endpointId)]);
    const [told] = parseEach(items, readNotified, reportError);
    // Where it cannot be read what they know, they would be told again and again.
    if (items.length > 0 && !told) return [];
    const news = record && nextCustomerEvent(record, knownTo(customer, told));
    return news ? [{ customer, record, told, news }] : [];
  });
  if (known.length === 0) return [];
  const services = indexByKey(await table.get(known.map(({ record }) => serviceKey(record.serviceId))));
  return known.map(({ record, told, news, ...due }) => {
    const item = services.find(serviceKey(record.serviceId));
    const { serviceId, endpointId, ownerAccountId, endpointRegion, location } = record;
    const [service] = parseEach(item ? [item] : [], readService, reportError);
    const facts = {
      endpointId,
      ownerAccountId,
      region: endpointRegion ?? location.region,
      serviceId,
      // A service that was taken out meanwhile goes by the name that was told before, and has its AWS name still.
      service: service?.name ?? told?.service ?? serviceId,
      serviceName: service?.serviceName ?? awsServiceName(location, serviceId),
    };
    return { ...due, record, told, news: { ...facts, ...news } };
  });
}

/**
 * @returns true where it is done with: told, or refused by the contact, which is shown to the provider.
 * @throws what may be tried again
 */
async function tell(together: readonly Due[], deps: NotifyCustomersDeps): Promise<true> {
  const [first] = together;
  if (!first) return true;
  const { post, messages, table, reportError } = deps;
  const now = deps.now();
  const { customer } = first;
  const news = together.map((each) => each.news);
  const mail = news.length === 1 ? emailFor(first.news, messages) : emailForMany(news, messages);
  try {
    await post.send(customer.contact, mail, news);
  } catch (error) {
    if (!(error instanceof DeliveryRejectedError)) throw error;
    reportError(error);
    await table.write([{ put: deliveryFailureItem(customer.name, error.message, now) }]);
    return true;
  }
  for (const chunk of chunks(together, writesPerTransaction - 1)) await remember(customer, chunk, deps);
  return true;
}

/** Where somebody else has just told one of them, the others are remembered all the same. */
async function remember(
  customer: NotifiableCustomer,
  said: readonly Due[],
  { table, now }: NotifyCustomersDeps,
): Promise<void> {
  const writes = said.map(
    ({ record, told, news }): Write => ({
      put: notifiedItem(record.endpointId, customer, news, told, now()),
      expected: told?.version ?? 0,
    }),
  );
  if (await table.write([...writes, { remove: deliveryFailureKey(customer.name) }])) return;
  for (const write of writes) await table.write([write]);
}
