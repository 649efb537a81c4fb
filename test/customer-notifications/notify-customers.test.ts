import { beforeEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { EmailMessage } from '../../lib/channels/email/email-sender.ts';
import type { ConnectionRecord } from '../../lib/connections/connection-record.ts';
import { recordItem } from '../../lib/connections/connection-record.ts';
import {
  type CustomerSender,
  DeliveryRejectedError,
} from '../../lib/customer-notifications/customer-sender.ts';
import { customerEventTarget, enqueueMissedEvents } from '../../lib/customer-notifications/due-events.ts';
import {
  type NotifyCustomersDeps,
  notifyCustomers,
} from '../../lib/customer-notifications/notify-customers.ts';
import type { Contact } from '../../lib/customers/customer.ts';
import { listDeliveryFailures } from '../../lib/customers/delivery-failure.ts';
import { removeCustomer, setCustomer } from '../../lib/customers/set-customer.ts';
import { enqueueDueRetries } from '../../lib/outbox/notification.ts';
import { serviceItem } from '../../lib/services/service.ts';
import { customerMessages } from '../../rules/customer-messages/index.ts';
import {
  alice,
  anApproval,
  aRecord,
  aService,
  aVerdict,
  consumer,
  endpointId,
  noon,
  secondsAfterNoon,
  serviceId,
} from '../builders.ts';
import { createCrashingProcess, forEachCallSite } from '../doubles/crash-injection.ts';
import { createTestEnv, type TestEnv } from '../doubles/test-env.ts';

const other = '033333333333';
const email: Contact = { email: 'ops@example.com' };
const theirTopic: Contact = { topicArn: 'arn:aws:sns:eu-west-1:033333333333:linkgate-notices' };

let env: TestEnv;
let deps: NotifyCustomersDeps;
let sent: { contact: Contact; mail: EmailMessage; events: string[]; at: number }[];
let calls: { reads: number; writes: number };
let post: CustomerSender['send'];

/** Creates an environment in which the customer `initech` has a contact. */
async function createEnv(service = aService()): Promise<void> {
  env = createTestEnv({ services: [service] });
  sent = [];
  calls = { reads: 0, writes: 0 };
  post = async (contact, mail, news) =>
    void sent.push({ contact, mail, events: news.map(({ event }) => event), at: env.time.getTime() });
  const { table } = env;
  deps = {
    ...env.deps,
    table: {
      ...table,
      get: (keys) => {
        calls.reads += 1;
        return table.get(keys);
      },
      write: (writes) => {
        calls.writes += 1;
        return table.write(writes);
      },
    },
    customerSender: { send: (...all) => post(...all) },
    messages: customerMessages,
  };
  await setCustomer('initech', { accounts: [consumer], contact: email }, alice, deps);
}

beforeEach(() => createEnv());

function storeRecords(...records: readonly Partial<ConnectionRecord>[]): ConnectionRecord[] {
  const all = records.map((record, index) => aRecord({ endpointId: endpointId(index + 1), ...record }));
  env.put(...all.map(recordItem));
  return all;
}

/** Handles changed records, as the stream does. */
const notify = (records: readonly ConnectionRecord[], changed: Partial<NotifyCustomersDeps> = {}) =>
  notifyCustomers(records.map(customerEventTarget), { ...deps, ...changed });
const sentEvents = () => sent.flatMap(({ events }) => events);

/** Delivers what is enqueued, and what the schedule finds in some minutes. */
async function settle(minutes = 2): Promise<void> {
  for (let minute = 0; minute < minutes; minute++) {
    env.advanceSeconds(61);
    const queues = { customerNotificationQueue: deps.notificationQueue };
    await enqueueDueRetries({ ...env.deps, ...queues });
    const targets = new Map(env.queuedNotifications.splice(0).map(({ kind, id }) => [id, { kind, id }]));
    await notifyCustomers([...targets.values()], deps, true);
  }
}

const state = (item: ConnectionRecord) => env.notification(customerEventTarget(item).id, 'customer-event');
const disconnectAt = secondsAfterNoon(86_400).toISOString();
const revocation = { since: noon.toISOString(), disconnectAt, cause: 'policy', by: 'linkgate' } as const;
const rejected = { verdict: aVerdict('reject'), state: 'rejected' } as const;
const scheduledDisconnect = { ...rejected, state: 'available', revocation } as const;
const until = secondsAfterNoon(6 * 86_400).toISOString();
const expiring = {
  state: 'available',
  acceptRequestedAt: noon.toISOString(),
  verdict: aVerdict('accept', { until }),
  expiryWarning: { until, daysBefore: 7 },
} as const;
const waiting = (count: number, more: Partial<ConnectionRecord> = {}) =>
  storeRecords(...Array.from({ length: count }, () => ({ verdict: aVerdict('ask'), ...more })));

describe('the contact of a customer', () => {
  test('gets only the current event after several changes, once', async () => {
    const records = waiting(1);
    storeRecords({ ...expiring, verdict: aVerdict('accept') });
    expect(await notify(records)).toEqual({ notified: 1, failed: [] });
    expect(await notify(records)).toEqual({ notified: 0, failed: [] });
    expect(sent).toMatchObject([{ contact: email, events: ['accepted'] }]);
  });

  test('gets nothing in mode observe, and the current event after a switch to enforce', async () => {
    const records = waiting(1);
    env.mode = 'observe';
    await notify(records);
    expect(sent).toEqual([]);
    env.mode = 'enforce';
    await notify(records);
    expect(sent).toHaveLength(1);
  });

  test('gets one email about many endpoints that names the first twenty', async () => {
    const records = waiting(1000);
    calls.writes = 0;
    await notify(records);
    expect(sent).toHaveLength(1);
    const { text = '', subject } = sent[0]?.mail ?? {};
    expect(subject).toBe('Updates on 1000 of your endpoints to orders');
    expect(text.match(/^- Your endpoint/gm)).toHaveLength(20);
    expect(text).toContain('And 980 more');
    expect(calls.writes).toBeLessThan(70);
    await notify(records);
    expect(sent).toHaveLength(1);
  });

  test('gets the last known name of a deregistered service, and the AWS name of an unknown one', async () => {
    await notify(storeRecords(scheduledDisconnect));
    await env.table.write([{ remove: serviceItem(aService()) }]);
    await notify(storeRecords({ ...scheduledDisconnect, state: 'rejected' }));
    expect(sent.at(-1)?.mail.subject).toBe(`Disconnected: ${endpointId(1)} to orders`);
    expect(sent.at(-1)?.mail.text).toContain(`com.amazonaws.vpce.us-east-1.${serviceId(1)}`);
  });

  test('gets one email a second for each of up to five endpoints', async () => {
    await notify(waiting(5));
    expect(sent.map(({ at }) => at - noon.getTime())).toEqual([0, 1000, 2000, 3000, 4000]);
  });
});

describe('without a contact', () => {
  test('an account without a customer costs one read, and linkgate sends nothing', async () => {
    const records = waiting(100, { ownerAccountId: other });
    calls = { reads: 0, writes: 0 };
    await notify(records);
    expect([sent, calls]).toEqual([[], { reads: 1, writes: 0 }]);
  });

  test('a customer gets nothing, which costs no write, and an attempt that waited is over', async () => {
    const [record] = waiting(1);
    if (!record) throw new Error('no record');
    await notify([record], { customerSender: { send: () => Promise.reject(new Error('throttled')) } });
    expect(await state(record)).toHaveProperty('nextAttemptAt');
    await setCustomer('initech', { accounts: [consumer] }, alice, deps);
    calls.writes = 0;
    await notify([record]);
    expect([sent, calls.writes]).toEqual([[], 0]);
    await settle();
    expect(sent).toEqual([]);
    const { attempts, since, nextAttemptAt } = await state(record);
    expect({ attempts, since, nextAttemptAt }).toEqual({ attempts: 0 });
  });
});

describe('a new contact', () => {
  const events = () => sent.flatMap(({ contact, events }) => ('topicArn' in contact ? events : []));

  test.each([
    ['of the same customer', 'initech'],
    ['of the customer to which the account moved', 'globex'],
  ])('%s gets events that are still to come, once', async (_whose, name) => {
    const records = storeRecords(scheduledDisconnect, expiring);
    await notify(records);
    if (name !== 'initech') await removeCustomer('initech', deps);
    await setCustomer(name, { accounts: [consumer], contact: theirTopic }, alice, deps);
    await notify(records);
    await notify(records);
    expect(events()).toEqual(['disconnect-scheduled', 'expiring']);
  });

  test('does not get past events, but the disconnect that was announced to the previous contact', async () => {
    await notify(storeRecords(scheduledDisconnect, rejected, scheduledDisconnect));
    await setCustomer('initech', { accounts: [consumer], contact: theirTopic }, alice, deps);
    await notify(storeRecords({ ...expiring, verdict: aVerdict('accept') }, rejected, rejected));
    expect(events()).toEqual(['disconnected']);
  });
});

test('a contact that SNS refuses blocks no other one, and is a delivery failure until the next message', async () => {
  await setCustomer('globex', { accounts: [other], contact: theirTopic }, alice, deps);
  const accept = post;
  post = async (contact, ...rest) => {
    if ('email' in contact) return accept(contact, ...rest);
    throw new DeliveryRejectedError(contact, new Error('is not authorized to perform: SNS:Publish'));
  };
  const records = storeRecords(
    { verdict: aVerdict('ask'), ownerAccountId: other },
    { verdict: aVerdict('ask') },
  );
  expect(await notify(records)).toEqual({ notified: 1, failed: [] });
  expect(sent.map(({ contact }) => contact)).toEqual([email]);
  expect(await listDeliveryFailures(deps)).toMatchObject([
    { customer: 'globex', why: expect.stringContaining('not authorized') },
  ]);
  expect(env.errors).toMatchObject([{ name: 'DeliveryRejectedError' }]);
  await settle();
  expect(env.errors).toHaveLength(1);

  post = accept;
  await notify(storeRecords({ ...rejected, ownerAccountId: other }));
  expect(await listDeliveryFailures(deps)).toEqual([]);
});

describe('an event', () => {
  test('that SNS throttled is sent by the schedule, once', async () => {
    const accept = post;
    post = async (contact, mail, news) => {
      if (news[0]?.endpointId === endpointId(2)) throw new Error('throttled');
      return accept(contact, mail, news);
    };
    expect(await notify(waiting(2))).toEqual({ notified: 1, failed: [] });
    post = accept;
    await settle();
    expect(sentEvents()).toEqual(['waiting', 'waiting']);
  });

  test('that SNS never accepts is given up after a week, and the next event is sent', async () => {
    const [record] = waiting(1);
    const accept = post;
    post = () => Promise.reject(new Error('down'));
    if (record) await notify([record]);
    await settle();
    env.advanceSeconds(8 * 86_400);
    await settle();
    expect(record && (await state(record))).toMatchObject({ attempts: 0, emailed: {} });
    post = accept;
    await settle();
    expect(sent).toEqual([]);
    await notify(storeRecords(rejected));
    expect(sentEvents()).toEqual(['rejected']);
  });

  test.each([1, 7])('survives a crash at any call, with %d endpoints', async (count) => {
    const kills = await forEachCallSite(async (nth, moment) => {
      await createEnv();
      const records = waiting(count);
      const { wrapCall, crashingTable, hasCrashed } = createCrashingProcess(nth, moment);
      const failed = await notify(records, {
        table: crashingTable(env.table),
        mode: wrapCall(deps.mode),
        customerSender: { send: wrapCall(deps.customerSender.send) },
        notificationQueue: {
          ...deps.notificationQueue,
          enqueueAfter: wrapCall(deps.notificationQueue.enqueueAfter),
        },
      }).then(
        ({ failed }) => failed.length > 0,
        () => true,
      );
      // The stream delivers a failed batch again. Even if SQS loses all messages, the schedule finds the items.
      if (failed) await notify(records);
      env.queuedNotifications.length = 0;
      await settle();
      const states = await Promise.all(records.map(state));
      for (const { attempts, emailed, nextAttemptAt, leaseUntil } of states)
        expect({ attempts, emailed, nextAttemptAt, leaseUntil }).toEqual({
          attempts: 0,
          emailed: { 'ops@example.com': 'waiting' },
        });
      expect([1, 2]).toContain(sent.length);
      return hasCrashed();
    });
    expect(kills).toBeGreaterThan(15);
  });

  test('is sent once by runs that interleave', async () => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), fc.constantFrom(1, 7), async (scheduler, count) => {
        await createEnv();
        const records = waiting(count);
        const slowly =
          <Args extends unknown[], Result>(call: (...args: Args) => Promise<Result>) =>
          async (...args: Args): Promise<Result> => {
            await scheduler.schedule(Promise.resolve());
            const result = await call(...args);
            await scheduler.schedule(Promise.resolve());
            return result;
          };
        const { table, customerSender } = deps;
        const slow = {
          table: { ...table, get: slowly(table.get), write: slowly(table.write) },
          customerSender: { send: slowly(customerSender.send) },
        };
        const runs = [notify(records, slow), notify(records.slice(0, 1), slow), notify(records, slow)];
        await scheduler.waitFor(Promise.all(runs));
        await settle();
        expect(sentEvents()).toHaveLength(count);
        expect(env.errors).toEqual([]);
      }),
      { numRuns: 100 },
    );
  });
});

test('the full sweep enqueues what is ahead and was not sent to the contact, and reads nothing for other records', async () => {
  const enqueueMissed = async (records: readonly ConnectionRecord[]) => {
    await enqueueMissedEvents(records, { ...deps, customerNotificationQueue: deps.notificationQueue });
    return env.queuedNotifications.splice(0);
  };
  const records = storeRecords(scheduledDisconnect, expiring, scheduledDisconnect);
  const targets = records.map(customerEventTarget);
  await notify(records.slice(0, 1));
  expect(await enqueueMissed(records)).toEqual(targets.slice(1));
  await notify(records);
  await setCustomer('initech', { accounts: [consumer], contact: theirTopic }, alice, deps);
  expect(await enqueueMissed(records)).toEqual(targets);
  calls.reads = 0;
  expect(await enqueueMissed(waiting(3))).toEqual([]);
  expect(calls.reads).toBe(0);
});

test('no email contains internal reasons, notes or names', async () => {
  const secret = 'SECRET';
  const decision = { by: secret, at: noon.toISOString(), reason: secret };
  const settings = { accounts: [consumer, '099999999999'], contact: email, owners: [secret] };
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom('pendingAcceptance', 'available', 'rejected'),
      fc.constantFrom('accept', 'reject', 'ask', 'hold'),
      fc.constantFrom(undefined, 'policy', 'block', 'person', 'service'),
      fc.boolean(),
      fc.integer({ min: 1, max: 8 }),
      async (state, outcome, cause, isDenied, count) => {
        await createEnv(aService({ pauseReason: secret, pausedBy: secret }));
        await setCustomer('initech', settings, secret, deps);
        const record = {
          state,
          acceptRequestedAt: noon.toISOString(),
          verdict: aVerdict(outcome, {
            findings: [{ rule: 'r', outcome, reason: secret }] as never,
            until,
            decidedBy: secret,
          }),
          ...(cause && { revocation: { ...revocation, cause, by: secret } }),
          ...(isDenied && { personDecision: { ...anApproval({ decision: 'deny' }), ...decision } }),
          revokeOrder: decision,
          grandfathered: decision,
          extended: { ...decision, until },
          expiryWarning: { until, daysBefore: 1 },
        };
        await notify(storeRecords(...Array.from({ length: count }, () => record)));
        for (const { mail } of sent) {
          expect(mail.subject + mail.text).not.toContain(secret);
          expect(mail.text).not.toContain('099999999999');
        }
      },
    ),
    { numRuns: 150 },
  );
});
