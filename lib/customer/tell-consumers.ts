import { chunks } from '../chunks.ts';
import { type ConnectionRecord, readRecord, recordKey } from '../connection/connection-record.ts';
import { type Invocation, orReport } from '../invocation.ts';
import type { ReadMode } from '../mode/mode.ts';
import { awsServiceName } from '../place.ts';
import { readService, serviceKey } from '../service/service.ts';
import { byKey, readEach } from '../table/item.ts';
import { type Table, type Write, writesPerTransaction } from '../table/table.ts';
import { customersOf } from './account-pointer.ts';
import { troubleItem, troubleKey } from './contact-trouble.ts';
import { isReader, type Reader } from './customer.ts';
import { type ConsumerMessages, type EndpointNews, mailAbout, mailAboutMany } from './message.ts';
import { newsOf } from './news.ts';
import { type Post, RefusedByContactError } from './post.ts';
import { knownTo, readTold, type Told, toldItem, toldKey } from './told.ts';
import type { Endpoint } from './untold.ts';

export interface TellingConsumers extends Pick<Invocation, 'now' | 'report'> {
  readonly table: Table;
  readonly mode: ReadMode;
  readonly post: Post;
  readonly messages: ConsumerMessages;
}

interface Due {
  readonly customer: Reader;
  readonly record: ConnectionRecord;
  readonly told: Told | undefined;
  readonly news: EndpointNews;
}

/** How many news a contact is told one by one; with more at once they share a message. */
const oneByOne = 5;

/**
 * Tells the contacts of endpoints' owners what they do not know yet, by the records as they are now. Told is remembered after it was said:
 * what dies in between says it again.
 * @returns the endpoints of which it was not told, and has to be tried again.
 */
export async function tellConsumers(
  endpoints: readonly Endpoint[],
  deps: TellingConsumers,
): Promise<{ readonly told: number; readonly failed: readonly string[] }> {
  const accountIds = endpoints.map(({ ownerAccountId }) => ownerAccountId);
  const customers = await customersOf(accountIds, deps);
  const theirs = endpoints.flatMap(({ endpointId, ownerAccountId }) => {
    const customer = customers.get(ownerAccountId);
    return isReader(customer) ? [{ endpointId, customer }] : [];
  });
  // What linkgate would do in another mode is nobody's business outside.
  if (theirs.length === 0 || (await deps.mode()) !== 'act') return { told: 0, failed: [] };

  const due = await dueOf(theirs, deps);
  const failed: string[] = [];
  for (const ofOne of Map.groupBy(due, ({ customer }) => customer.name).values())
    for (const together of ofOne.length > oneByOne ? [ofOne] : chunks(ofOne, 1)) {
      const isDone = await orReport(deps.report, () => tell(together, deps));
      if (!isDone) failed.push(...together.map(({ record }) => record.endpointId));
    }
  return { told: due.length - failed.length, failed };
}

async function dueOf(
  theirs: readonly { readonly endpointId: string; readonly customer: Reader }[],
  { table, report }: TellingConsumers,
): Promise<Due[]> {
  const found = byKey(
    await table.get(theirs.flatMap(({ endpointId }) => [recordKey(endpointId), toldKey(endpointId)])),
  );
  const known = theirs.flatMap(({ endpointId, customer }) => {
    const [record] = readEach(found.all([recordKey(endpointId)]), readRecord, report);
    const items = found.all([toldKey(endpointId)]);
    const [told] = readEach(items, readTold, report);
    // Where it cannot be read what they know, they would be told again and again.
    if (items.length > 0 && !told) return [];
    const news = record && newsOf(record, knownTo(customer, told));
    return news ? [{ customer, record, told, news }] : [];
  });
  if (known.length === 0) return [];
  const services = byKey(await table.get(known.map(({ record }) => serviceKey(record.serviceId))));
  return known.map(({ record, told, news, ...due }) => {
    const item = services.find(serviceKey(record.serviceId));
    const { serviceId, endpointId, ownerAccountId, endpointRegion, place } = record;
    const [service] = readEach(item ? [item] : [], readService, report);
    const facts = {
      endpointId,
      ownerAccountId,
      region: endpointRegion ?? place.region,
      serviceId,
      // A service that was taken out meanwhile goes by the name that was told before, and has its AWS name still.
      service: service?.name ?? told?.service ?? serviceId,
      serviceName: service?.serviceName ?? awsServiceName(place, serviceId),
    };
    return { ...due, record, told, news: { ...facts, ...news } };
  });
}

/**
 * @returns true where it is done with: told, or refused by the contact, which is shown to the provider.
 * @throws what may be tried again
 */
async function tell(together: readonly Due[], deps: TellingConsumers): Promise<true> {
  const [first] = together;
  if (!first) return true;
  const { post, messages, table, report } = deps;
  const now = deps.now();
  const { customer } = first;
  const news = together.map((each) => each.news);
  const mail = news.length === 1 ? mailAbout(first.news, messages) : mailAboutMany(news, messages);
  try {
    await post.send(customer.contact, mail, news);
  } catch (error) {
    if (!(error instanceof RefusedByContactError)) throw error;
    report(error);
    await table.write([{ put: troubleItem(customer.name, error.message, now) }]);
    return true;
  }
  for (const chunk of chunks(together, writesPerTransaction - 1)) await remember(customer, chunk, deps);
  return true;
}

/** Where somebody else has just told one of them, the others are remembered all the same. */
async function remember(
  customer: Reader,
  said: readonly Due[],
  { table, now }: TellingConsumers,
): Promise<void> {
  const writes = said.map(
    ({ record, told, news }): Write => ({
      put: toldItem(record.endpointId, customer, news, told, now()),
      expected: told?.version ?? 0,
    }),
  );
  if (await table.write([...writes, { remove: troubleKey(customer.name) }])) return;
  for (const write of writes) await table.write([write]);
}
