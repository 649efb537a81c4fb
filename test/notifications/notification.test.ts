import { describe, expect, test } from '@jest/globals';
import { computeContentHash } from '../../lib/approvals/content-hash.ts';
import { type ConnectionRecord, recordItem } from '../../lib/connections/connection-record.ts';
import {
  buildNotificationTarget,
  deduplicateTargets,
  digestWindowSeconds,
  enqueueForChanges,
  needsNotification,
} from '../../lib/notifications/notification.ts';
import { serviceItem } from '../../lib/services/service.ts';
import {
  alice,
  anApproval,
  anApprovalRequest,
  aRecord,
  aService,
  aVerdict,
  endpointId,
  noon,
  secondsAfterNoon,
} from '../builders.ts';
import { createTestEnv } from '../doubles/test-env.ts';

const awaitingApproval = aRecord({
  verdict: aVerdict('ask'),
  approvalRequest: anApprovalRequest(),
  version: 2,
});
const notified = markNotified(awaitingApproval);
const inDigest = { ...awaitingApproval, notification: { digestId: 'digest-1', emailedTo: [] } };
const accepted = { ...awaitingApproval, verdict: aVerdict('accept'), personDecision: anApproval() };
const time = noon.toISOString();
const aDay = 86_400;

/** A record whose Slack message is up to date. */
function markNotified(record: ConnectionRecord): ConnectionRecord {
  return {
    ...record,
    notification: {
      contentHash: computeContentHash(record),
      slackMessage: { channel: 'C01APPROVALS', ts: '1.1' },
      emailedTo: [],
    },
  };
}

describe('the content hash of a request', () => {
  test.each([
    ['its state in EC2', { state: 'available' }],
    ['its verdict', { verdict: aVerdict('accept') }],
    [
      'the reasons of its findings',
      { verdict: aVerdict('ask', { findings: [{ rule: 'a', outcome: 'ask', reason: 'another' }] }) },
    ],
    ['the approver group', { approvalRequest: anApprovalRequest({ group: 'network' }) }],
    ['the person who decided', { personDecision: anApproval() }],
    ['the approvals recorded so far', { approvals: { decisions: [anApproval()], quorum: 2 } }],
    ['the escalation stage', { approvalRequest: anApprovalRequest({ stage: 'reminded' }) }],
  ] as const satisfies [string, Partial<ConnectionRecord>][])('changes with %s', (_, change) => {
    const changed = { ...awaitingApproval, ...change } as ConnectionRecord;
    expect(computeContentHash(changed)).not.toBe(computeContentHash(awaitingApproval));
  });

  test('does not change with attributes that no message shows', () => {
    expect(
      computeContentHash({
        ...notified,
        version: 9,
        auditCount: 4,
        observedAt: time,
        countsTowardQuota: true,
      }),
    ).toBe(computeContentHash(awaitingApproval));
    const asksEc2 = { ...accepted, pendingEffect: { action: 'accept', attempts: 2 } } as const;
    expect(computeContentHash(asksEc2)).toBe(computeContentHash(accepted));
  });

  test('does not change when a new verdict asks for the same reasons', () => {
    const again = {
      ...awaitingApproval,
      verdict: aVerdict('ask', { decidedAt: secondsAfterNoon(1).toISOString() }),
    };
    expect(computeContentHash(again)).toBe(computeContentHash(awaitingApproval));
  });

  test('differs between approvals of two people at the same time', () => {
    const [alices, bobs] = [anApproval(), anApproval({ by: 'slack:T01LOCAL:U01BOB' })];
    const one = { ...awaitingApproval, approvals: { decisions: [alices], quorum: 2 } };
    expect(computeContentHash({ ...one, approvals: { decisions: [bobs], quorum: 2 } })).not.toBe(
      computeContentHash(one),
    );
  });
});

describe('approvers', () => {
  test('need a notification once a request is open', () => {
    expect(needsNotification(awaitingApproval, noon)).toBe(true);
    expect(needsNotification(aRecord({ verdict: aVerdict('accept') }), noon)).toBe(false);
  });

  test('need no notification while their message shows the current record', () => {
    expect(needsNotification(notified, noon)).toBe(false);
  });

  test('need a notification when the record changes', () => {
    expect(needsNotification({ ...notified, verdict: aVerdict('accept') }, noon)).toBe(true);
  });

  test('need a notification when the next escalation stage is reached', () => {
    expect(needsNotification(notified, secondsAfterNoon(aDay))).toBe(false);
    expect(needsNotification(notified, secondsAfterNoon(2 * aDay))).toBe(true);
  });

  test('need no notification about an escalation stage while the service is paused', () => {
    const findings = [{ rule: 'service-is-paused', outcome: 'hold', reason: 'paused' }] as const;
    const onHold = { ...awaitingApproval, verdict: aVerdict('hold', { findings: [...findings] }) };
    expect(needsNotification(markNotified(onHold), secondsAfterNoon(2 * aDay))).toBe(false);
  });

  test('need no notification about an escalation stage once the request is decided', () => {
    expect(needsNotification(markNotified(accepted), secondsAfterNoon(30 * aDay))).toBe(false);
  });

  test('need a notification about a request in a digest while it is open', () => {
    expect(needsNotification(inDigest, noon)).toBe(true);
    expect(needsNotification({ ...inDigest, verdict: aVerdict('accept') }, noon)).toBe(false);
  });
});

test('a notification targets the request, or the digest that contains it', () => {
  expect(buildNotificationTarget(awaitingApproval)).toEqual({ endpointId: endpointId(1) });
  expect(buildNotificationTarget(inDigest)).toEqual({ digest: 'digest-1' });
});

test('several requests of one digest are one target', () => {
  const otherTargets = [{ digest: 'digest-2' }, { endpointId: endpointId(1) }];
  expect(
    deduplicateTargets([
      buildNotificationTarget(inDigest),
      buildNotificationTarget(inDigest),
      ...otherTargets,
    ]),
  ).toEqual([{ digest: 'digest-1' }, ...otherTargets]);
});

describe('a change of the table enqueues', () => {
  async function enqueueTargets(
    ...changes: readonly (readonly [ConnectionRecord | undefined, ConnectionRecord])[]
  ) {
    const env = createTestEnv();
    const items = changes.map(([before, after]) => ({
      before: before && recordItem(before),
      after: recordItem(after),
    }));
    await enqueueForChanges(items, env.deps);
    expect(env.errors).toEqual([]);
    return env.queuedNotifications;
  }
  const alone = { endpointId: endpointId(1) };

  test('a request that begins to await approval', async () => {
    expect(await enqueueTargets([undefined, awaitingApproval])).toEqual([alone]);
    expect(await enqueueTargets([aRecord({ verdict: aVerdict('hold') }), awaitingApproval])).toEqual([alone]);
  });

  test('a request whose message is outdated', async () => {
    expect(await enqueueTargets([notified, { ...notified, personDecision: anApproval() }])).toEqual([alone]);
  });

  test('nothing when notify-approvers itself wrote the notification state or the stage', async () => {
    expect(await enqueueTargets([awaitingApproval, notified])).toEqual([]);
    expect(
      await enqueueTargets([
        notified,
        { ...notified, approvalRequest: anApprovalRequest({ stage: 'reminded' }) },
      ]),
    ).toEqual([]);
  });

  test('nothing for a request without an approval request', async () => {
    expect(await enqueueTargets([undefined, aRecord({ verdict: aVerdict('accept') })])).toEqual([]);
  });

  test('both the digest that a request left and the request', async () => {
    const { notification: _notification, ...moved } = {
      ...inDigest,
      approvalRequest: anApprovalRequest({ group: 'network' }),
    };
    expect(await enqueueTargets([inDigest, moved])).toEqual([
      alone,
      { digest: 'digest-1', afterSeconds: digestWindowSeconds },
    ]);
  });

  test('a digest once, after a delay in which more of its requests can change', async () => {
    const second = { ...inDigest, endpointId: endpointId(2) };
    const decisionFields = {
      verdict: aVerdict('accept', { decidedBy: alice }),
      personDecision: anApproval(),
    };
    expect(
      await enqueueTargets(
        [inDigest, { ...inDigest, ...decisionFields }],
        [second, { ...second, ...decisionFields }],
      ),
    ).toEqual([{ digest: 'digest-1', afterSeconds: digestWindowSeconds }]);
  });

  test('every readable record, and reports an unreadable one', async () => {
    const env = createTestEnv();
    const newer = { ...recordItem({ ...awaitingApproval, endpointId: endpointId(2) }), schemaVersion: '2.0' };
    await enqueueForChanges(
      [
        { before: undefined, after: newer },
        { before: undefined, after: serviceItem(aService()) },
        { before: recordItem(awaitingApproval), after: undefined },
        { before: undefined, after: recordItem(awaitingApproval) },
      ],
      env.deps,
    );
    expect(env.queuedNotifications).toEqual([alone]);
    expect(env.errors).toMatchObject([{ name: 'UnsupportedSchemaVersionError' }]);
  });
});
