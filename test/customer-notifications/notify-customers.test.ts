import { beforeEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { EmailMessage } from '../../lib/channels/email/email-sender.ts';
import type { ConnectionRecord } from '../../lib/connections/connection-record.ts';
import { recordItem } from '../../lib/connections/connection-record.ts';
import {
  type CustomerSender,
  DeliveryRejectedError,
} from '../../lib/customer-notifications/customer-sender.ts';
import { enqueueMissedNotifications } from '../../lib/customer-notifications/enqueue-missed.ts';
import {
  type NotifyCustomersDeps,
  notifyCustomers,
} from '../../lib/customer-notifications/notify-customers.ts';
import type { Contact } from '../../lib/customers/customer.ts';
import { listDeliveryFailures } from '../../lib/customers/delivery-failure.ts';
import { removeCustomer, setCustomer } from '../../lib/customers/set-customer.ts';
import type { Mode } from '../../lib/mode/mode.ts';
import { serviceItem } from '../../lib/services/service.ts';
import { customerMessages } from '../../rules/customer-messages/index.ts';
import {
  alice,
  anApproval,
  aRecord,
  aService,
  consumer,
  endpointId,
  noon,
  secondsAfterNoon,
  serviceId,
} from '../builders.ts';
import { createMemoryItems, memoryTable } from '../doubles/memory-table.ts';

const other = '033333333333';
const email: Contact = { email: 'ops@example.com' };
const theirTopic: Contact = { topicArn: 'arn:aws:sns:eu-west-1:033333333333:linkgate-notices' };

let items: ReturnType<typeof createMemoryItems>;
let deps: NotifyCustomersDeps;
let sent: { contact: Contact; mail: EmailMessage; events: string[] }[];
let errors: unknown[];
let mode: Mode;
let reads: number;
let post: CustomerSender['send'];

beforeEach(async () => {
  items = createMemoryItems();
  sent = [];
  errors = [];
  mode = 'enforce';
  reads = 0;
  post = async (contact, mail, news) =>
    void sent.push({ contact, mail, events: news.map(({ event }) => event) });
  const table = memoryTable(items);
  deps = {
    table: {
      ...table,
      get: (keys) => {
        reads += 1;
        return table.get(keys);
      },
    },
    mode: async () => mode,
    customerSender: { send: (...all) => post(...all) },
    messages: customerMessages,
    now: () => noon,
    reportError: (error) => void errors.push(error),
  };
  items.commit([{ put: serviceItem(aService()) }]);
  await setCustomer('initech', { accounts: [consumer], contact: email }, alice, deps);
});

const policyVersions = { service: 1, entry: 0, wildcardEntry: 0, mode: 0 };
const verdict = (outcome: 'accept' | 'reject' | 'ask') => ({
  verdict: { findings: [], outcome, decidedAt: noon.toISOString(), decidedBy: 'linkgate', policyVersions },
});

function storeRecords(...records: readonly Partial<ConnectionRecord>[]): ConnectionRecord[] {
  const all = records.map((record, index) => aRecord({ endpointId: endpointId(index + 1), ...record }));
  for (const record of all) items.commit([{ put: recordItem(record) }]);
  return all;
}

const notify = (records: readonly ConnectionRecord[]) => notifyCustomers(records, deps);
const disconnectAt = secondsAfterNoon(86_400).toISOString();
const revocation = { since: noon.toISOString(), disconnectAt, cause: 'policy', by: 'linkgate' } as const;
const scheduledDisconnect = { ...verdict('reject'), state: 'available', revocation } as const;
const until = secondsAfterNoon(6 * 86_400).toISOString();
const expiring = {
  state: 'available',
  acceptRequestedAt: noon.toISOString(),
  verdict: { ...verdict('accept').verdict, until },
  expiryWarning: { until, daysBefore: 7 },
} as const;
const approvalRequest = (count: number, more: Partial<ConnectionRecord> = {}) =>
  storeRecords(...Array.from({ length: count }, () => ({ ...verdict('ask'), ...more })));

describe('the contact of a customer', () => {
  test('gets each event of an endpoint once', async () => {
    const records = approvalRequest(1);
    expect(await notify(records)).toEqual({ notified: 1, failed: [] });
    expect(await notify(records)).toEqual({ notified: 0, failed: [] });
    expect(sent).toMatchObject([{ contact: email, events: ['waiting'] }]);
  });

  test('gets only the current event after several changes', async () => {
    const records = approvalRequest(1);
    storeRecords({ ...verdict('accept'), state: 'available', acceptRequestedAt: noon.toISOString() });
    await notify(records);
    expect(sent.map(({ events }) => events)).toEqual([['accepted']]);
  });

  test('gets nothing in mode observe, and the current event after a switch to enforce', async () => {
    const records = approvalRequest(1);
    mode = 'observe';
    await notify(records);
    expect(sent).toEqual([]);
    mode = 'enforce';
    await notify(records);
    expect(sent).toHaveLength(1);
  });

  test('gets one email about many endpoints that names the first twenty', async () => {
    await notify(approvalRequest(1000));
    expect(sent).toHaveLength(1);
    const { text = '', subject } = sent[0]?.mail ?? {};
    expect(subject).toBe('Updates on 1000 of your endpoints to orders');
    expect(text.match(/^- Your endpoint/gm)).toHaveLength(20);
    expect(text).toContain('And 980 more');
  });

  test('gets the last known name of a deregistered service', async () => {
    await notify(storeRecords(scheduledDisconnect));
    items.commit([{ remove: serviceItem(aService()) }]);
    await notify(storeRecords({ ...scheduledDisconnect, state: 'rejected' }));
    expect(sent.at(-1)?.mail.subject).toBe(`Disconnected: ${endpointId(1)} to orders`);
  });

  test('gets an event if approvers decide a disconnect over the quota', async () => {
    await notify(storeRecords(scheduledDisconnect));
    await notify(
      storeRecords({
        ...scheduledDisconnect,
        ...verdict('ask'),
        revocation: { ...revocation, overQuota: true },
      }),
    );
    expect(sent.map(({ events }) => events)).toEqual([['disconnect-scheduled'], ['disconnect-extended']]);
  });

  test('gets one email for each of up to five endpoints', async () => {
    await notify(approvalRequest(5));
    expect(sent).toHaveLength(5);
  });

  test('gets the AWS service name of a service that linkgate does not know', async () => {
    items.commit([{ remove: serviceItem(aService()) }]);
    await notify(approvalRequest(1));
    expect(sent[0]?.mail.text).toContain(`com.amazonaws.vpce.us-east-1.${serviceId(1)}`);
  });
});

describe('without a contact', () => {
  test('an account without a customer costs one read, and linkgate sends nothing', async () => {
    reads = 0;
    await notify(approvalRequest(3, { ownerAccountId: other }));
    expect([sent, reads]).toEqual([[], 1]);
  });

  test('a customer gets nothing', async () => {
    await setCustomer('initech', { accounts: [consumer] }, alice, deps);
    await notify(approvalRequest(3));
    expect(sent).toEqual([]);
  });
});

describe('a new contact', () => {
  const events = () => sent.flatMap(({ contact, events }) => ('topicArn' in contact ? events : []));
  const change = () => setCustomer('initech', { accounts: [consumer], contact: theirTopic }, alice, deps);

  test('gets events that are still to come, once', async () => {
    const records = storeRecords(scheduledDisconnect, expiring);
    await notify(records);
    await change();
    await notify(records);
    await notify(records);
    expect(events()).toEqual(['disconnect-scheduled', 'expiring']);
  });

  test('gets them if the account moved to another customer', async () => {
    const records = storeRecords(scheduledDisconnect);
    await notify(records);
    await removeCustomer('initech', deps);
    await setCustomer('globex', { accounts: [consumer], contact: theirTopic }, alice, deps);
    await notify(records);
    expect(events()).toEqual(['disconnect-scheduled']);
  });

  test('does not get past events', async () => {
    await notify(storeRecords(scheduledDisconnect, { ...verdict('reject'), state: 'rejected' }));
    await change();
    const accepted = { ...expiring, ...verdict('accept') };
    await notify(storeRecords(accepted, { ...verdict('reject'), state: 'rejected' }));
    expect(events()).toEqual([]);
  });

  test('gets the disconnect that was announced to the previous contact', async () => {
    await notify(storeRecords(scheduledDisconnect));
    await change();
    await notify(storeRecords({ ...verdict('reject'), state: 'rejected' }));
    expect(events()).toEqual(['disconnected']);
  });
});

describe('a contact that SNS refuses', () => {
  const refusal = new Error('is not authorized to perform: SNS:Publish');

  beforeEach(async () => {
    await setCustomer('globex', { accounts: [other], contact: theirTopic }, alice, deps);
    const deliver = post;
    post = async (contact, ...rest) => {
      if (contact === email || 'email' in contact) return deliver(contact, ...rest);
      throw new DeliveryRejectedError(contact, refusal);
    };
  });

  test('does not block other contacts, is listed as a delivery failure, and is not retried', async () => {
    const records = storeRecords({ ...verdict('ask'), ownerAccountId: other }, verdict('ask'));
    expect(await notify(records)).toMatchObject({ failed: [] });
    expect(sent.map(({ contact }) => contact)).toEqual([email]);
    expect(await listDeliveryFailures(deps)).toMatchObject([
      { customer: 'globex', why: expect.stringContaining('not authorized') },
    ]);
    expect(errors).toMatchObject([{ name: 'DeliveryRejectedError' }]);
  });

  test('is no longer listed as a delivery failure after a successful message', async () => {
    await notify(storeRecords({ ...verdict('ask'), ownerAccountId: other }));
    post = async () => {};
    await notify(storeRecords({ ...verdict('reject'), state: 'rejected', ownerAccountId: other }));
    expect(await listDeliveryFailures(deps)).toEqual([]);
  });
});

test('an email that SNS throttled is retried and sent once', async () => {
  const records = approvalRequest(2);
  const deliver = post;
  post = async (_contact, _mail, [news]) => {
    if (news?.endpointId === endpointId(2)) throw new Error('throttled');
    return deliver(_contact, _mail, news ? [news] : []);
  };
  expect(await notify(records)).toEqual({ notified: 1, failed: [endpointId(2)] });
  post = deliver;
  expect(await notify(records)).toEqual({ notified: 1, failed: [] });
  expect(sent).toHaveLength(2);
});

describe('the full sweep', () => {
  async function enqueueMissed(records: readonly ConnectionRecord[]): Promise<string[]> {
    const endpoints: string[] = [];
    const consumers = {
      enqueue: async (all: readonly { endpointId: string }[]) =>
        void endpoints.push(...all.map((each) => each.endpointId)),
    };
    await enqueueMissedNotifications(records, { ...deps, customerNotificationQueue: consumers });
    return endpoints;
  }

  test.each<[string, Partial<ConnectionRecord>]>([
    ['the notification of a scheduled disconnect', scheduledDisconnect],
    ['an expiry warning', expiring],
  ])('enqueues %s that was not sent', async (_, record) => {
    const records = storeRecords(record, record);
    await notify(records.slice(0, 1));
    expect(await enqueueMissed(records)).toEqual([endpointId(2)]);
  });

  test('enqueues events that were sent to a previous contact', async () => {
    const records = storeRecords(scheduledDisconnect, expiring);
    await notify(records);
    await setCustomer('initech', { accounts: [consumer], contact: theirTopic }, alice, deps);
    expect(await enqueueMissed(records)).toEqual([endpointId(1), endpointId(2)]);
  });

  test('reads no items if no disconnect is scheduled and no entry expires', async () => {
    const records = approvalRequest(3);
    reads = 0;
    expect(await enqueueMissed(records)).toEqual([]);
    expect(reads).toBe(0);
  });
});

test('no email contains internal reasons, notes or names', async () => {
  const secret = 'SECRET';
  const time = secondsAfterNoon(86_400).toISOString();
  const states = fc.constantFrom('pendingAcceptance', 'available', 'rejected');
  const outcomes = fc.constantFrom('accept', 'reject', 'ask', 'hold');
  await fc.assert(
    fc.asyncProperty(
      states,
      outcomes,
      fc.constantFrom(undefined, 'policy', 'block', 'person', 'service'),
      fc.boolean(),
      fc.integer({ min: 1, max: 8 }),
      async (state, outcome, cause, isDenied, count) => {
        items = createMemoryItems();
        deps = { ...deps, table: memoryTable(items) };
        sent = [];
        items.commit([{ put: serviceItem(aService({ pauseReason: secret, pausedBy: secret })) }]);
        const settings = { accounts: [consumer, '099999999999'], contact: email, owners: [secret] };
        await setCustomer('initech', settings, secret, deps);
        const findings = [{ rule: 'r', outcome, reason: secret }] as never;
        const secretDecision = { by: secret, at: noon.toISOString(), reason: secret };
        const records = storeRecords(
          ...Array.from({ length: count }, () => ({
            state,
            acceptRequestedAt: noon.toISOString(),
            verdict: {
              outcome,
              findings,
              until: time,
              decidedAt: noon.toISOString(),
              decidedBy: secret,
              policyVersions,
            },
            ...(cause && {
              revocation: { since: noon.toISOString(), disconnectAt: time, cause, by: secret },
            }),
            ...(isDenied && { personDecision: { ...anApproval({ decision: 'deny' }), ...secretDecision } }),
            revokeOrder: secretDecision,
            grandfathered: secretDecision,
            extended: { ...secretDecision, until: time },
            expiryWarning: { until: time, daysBefore: 1 },
          })),
        );
        await notify(records);
        for (const { mail } of sent) {
          expect(mail.subject + mail.text).not.toContain(secret);
          expect(mail.text).not.toContain('099999999999');
        }
      },
    ),
    { numRuns: 150 },
  );
});
