import { describe, expect, test } from '@jest/globals';
import { computeContentHash } from '../../lib/approvals/content-hash.ts';
import { requestTarget } from '../../lib/approvals/digest.ts';
import { SlackError } from '../../lib/channels/slack/web-api.ts';
import type { ConnectionRecord } from '../../lib/connections/connection-record.ts';
import { recordItem } from '../../lib/connections/connection-record.ts';
import { nextStage } from '../../lib/notifications/advance-stage.ts';
import { hasApprovalRequest } from '../../lib/notifications/awaiting-record.ts';
import { digestWindowSeconds, enqueueForChanges } from '../../lib/notifications/notification.ts';
import { alice, aService, consumer, endpointId, noon, secondsAfterNoon } from '../builders.ts';
import {
  aCancelledDisconnect,
  aDisconnected,
  anExternallyAccepted,
  anOverQuotaDisconnect,
  approvedByPerson,
  aScheduledDisconnect,
  disconnectAt,
  disconnectedByPerson,
  disconnectedByPolicy,
} from './connected-fixtures.ts';
import { anAwaitingRecord, createNotifyTestEnv } from './fixtures.ts';

const other = '333333333333';
const later = '2026-12-24T00:00:00.000Z';
const time = noon.toISOString();

/** Connections of one account with scheduled disconnects. */
function createScheduledDisconnects(
  count: number,
  record: Partial<ConnectionRecord> = {},
): ConnectionRecord[] {
  return Array.from({ length: count }, (_, index) =>
    aScheduledDisconnect({
      endpointId: endpointId(index + 1),
      requestedAt: secondsAfterNoon(index - 900).toISOString(),
      ...record,
    }),
  );
}

describe('the content hash of a connection', () => {
  const revocation = { since: time, disconnectAt, cause: 'policy', by: 'linkgate' } as const;
  test.each([
    ['the disconnect time', { revocation: { ...revocation, disconnectAt: later } }],
    ['an extension by a person', { extended: { by: alice, at: time, until: later } }],
    ['an exceeded disconnect quota', { revocation: { ...revocation, overQuota: true as const } }],
    ['a disconnect by policy', disconnectedByPolicy],
    ['a denial', disconnectedByPerson],
    ['an approval', approvedByPerson],
  ] satisfies [string, Partial<ConnectionRecord>][])('changes with %s', (_, change) => {
    expect(computeContentHash(aScheduledDisconnect(change))).not.toBe(
      computeContentHash(aScheduledDisconnect()),
    );
  });

  test('changes when EC2 shows it rejected, and when the disconnect is cancelled', () => {
    expect(computeContentHash(aDisconnected(disconnectedByPolicy))).not.toBe(
      computeContentHash(aScheduledDisconnect(disconnectedByPolicy)),
    );
    expect(computeContentHash(aCancelledDisconnect())).not.toBe(computeContentHash(aScheduledDisconnect()));
  });

  test('does not change when linkgate calls EC2 or re-evaluates the connection', () => {
    const callFields = {
      ...disconnectedByPolicy,
      pendingEffect: { action: 'reject', attempts: 2, lastAttemptAt: time },
    } as const;
    expect(computeContentHash(aScheduledDisconnect(callFields))).toBe(
      computeContentHash(aScheduledDisconnect(disconnectedByPolicy)),
    );
    expect(computeContentHash(aScheduledDisconnect({ reevaluatedAt: later }))).toBe(
      computeContentHash(aScheduledDisconnect()),
    );
  });
});

describe('the stage that a connection reaches at its deadline', () => {
  const after = new Date(later);
  const computeNextStage = (record: ConnectionRecord, onExpiry?: 'reject') =>
    hasApprovalRequest(record) ? nextStage(record, onExpiry ? { onExpiry } : {}, after) : undefined;

  test('is not recorded if policy disconnects it at the deadline or disconnected it before', () => {
    expect(computeNextStage(aScheduledDisconnect())).toBeUndefined();
    expect(computeNextStage(aScheduledDisconnect(disconnectedByPolicy))).toBeUndefined();
  });

  test('is `expired` if only a person may disconnect it, even if the service rejects expired requests', () => {
    expect(computeNextStage(anExternallyAccepted(), 'reject')).toBe('expired');
    expect(computeNextStage(anOverQuotaDisconnect(), 'reject')).toBe('expired');
    expect(computeNextStage(anAwaitingRecord(), 'reject')).toBeUndefined();
  });
});

describe('a connection with an approval request', () => {
  test('is posted to Slack and emailed, and its Slack message is updated when its status changes', async () => {
    const { env, slack, post, notify } = createNotifyTestEnv({ records: [aScheduledDisconnect()] });
    await notify();
    expect(slack.messages.map(({ text }) => text.split('\n')[0])).toEqual([
      `Disconnect scheduled: ${consumer} to orders`,
    ]);
    expect(post.sent.map(({ subject }) => subject)).toEqual([
      `Scheduled disconnect of account ${consumer} from orders`,
    ]);
    env.put(recordItem({ ...aScheduledDisconnect(disconnectedByPolicy), version: 9 }));
    await notify();
    expect(slack.messages.map(({ text }) => text.split('\n')[0])).toEqual([
      `Being disconnected: ${consumer} to orders`,
    ]);
    expect(post.sent).toHaveLength(1);
  });

  test('has a Slack reminder after a quarter of its time and an email reminder after three quarters', async () => {
    const { env, slack, post, notify } = createNotifyTestEnv({ records: [aScheduledDisconnect()] });
    await notify();
    env.advanceSeconds(18 * 3600);
    await notify();
    expect(slack.replies.at(-1)?.text).toContain('linkgate disconnects it then');
    env.advanceSeconds(36 * 3600);
    await notify();
    expect(post.sent.at(-1)?.subject).toBe(
      `Reminder: scheduled disconnect of account ${consumer} from orders`,
    );
  });

  test('is posted after Slack failed, although the pending sweep does not list connected endpoints', async () => {
    const { slack, notify, waitMinutes } = createNotifyTestEnv({ records: [aScheduledDisconnect()] });
    slack.error = new SlackError('chat.postMessage', 'service_unavailable');
    await notify();
    slack.error = undefined;
    await waitMinutes(1);
    expect(slack.messages).toHaveLength(1);
  });
});

describe('connections of one account with simultaneous approval requests', () => {
  test('are enqueued with a delay, so that one batch gets them all', async () => {
    const { env } = createNotifyTestEnv();
    await enqueueForChanges([{ before: undefined, after: recordItem(aScheduledDisconnect()) }], env.deps);
    expect(env.queuedNotifications).toEqual([
      { ...requestTarget(endpointId(1)), afterSeconds: digestWindowSeconds },
    ]);
  });

  test('become one digest, even if the first queue message names only one of them', async () => {
    const records = createScheduledDisconnects(100);
    const { env, slack, post, notify, settle, subjects } = createNotifyTestEnv({ records });
    await notify(subjects.slice(99));
    for (let from = 0; from < 99; from += 10) await notify(subjects.slice(from, from + 10));
    await settle();
    expect(slack.messages.map(({ text }) => text.split('\n')[0])).toEqual([
      '100 connections will be disconnected',
    ]);
    expect(post.sent).toHaveLength(1);
    expect(post.sent[0]?.subject).toBe(
      'For the approver group default: 100 connections will be disconnected',
    );
    expect(post.sent[0]?.text).toContain(
      '“Keep connected” keeps it permanently, “Extend 14 days” keeps it for 14 more days, and “Disconnect now” disconnects it immediately',
    );
    expect(post.sent[0]?.text).toContain('connected, scheduled disconnect on 24 Nov 2026, 12:00 UTC');
    expect(env.errors).toEqual([]);
  });

  test('have messages of their own while they are few or belong to several accounts', async () => {
    const few = createScheduledDisconnects(3);
    const ofOtherAccount = createScheduledDisconnects(3).map((record, index) => ({
      ...record,
      endpointId: endpointId(10 + index),
      ownerAccountId: other,
    }));
    const { slack, notify } = createNotifyTestEnv({ records: [...few, ...ofOtherAccount] });
    await notify();
    expect(slack.messages).toHaveLength(6);
  });

  test('keep the messages that they have, and become no digest', async () => {
    const { slack, notify, subjects } = createNotifyTestEnv({ records: createScheduledDisconnects(3) });
    for (const subject of subjects) await notify([subject]);
    await notify();
    expect(slack.messages).toHaveLength(3);
  });
});

test('a connection that only a person may disconnect expires undecided, even if its service rejects expired requests', async () => {
  const services = [aService({ onExpiry: 'reject' })];
  const { env, slack, notify } = createNotifyTestEnv({ records: [anExternallyAccepted()], services });
  await notify();
  env.time = new Date(later);
  await notify();
  expect(slack.messages[0]?.text).toContain('nobody decided before');
  expect((await env.record(endpointId(1)))?.approvalRequest?.stage).toBe('expired');
});
