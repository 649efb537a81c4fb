import { describe, expect, test } from '@jest/globals';
import { computeContentHash } from '../../lib/approvals/content-hash.ts';
import { type NotifiedRecord, requestTarget } from '../../lib/approvals/digest.ts';
import { type ConnectionRecord, recordItem } from '../../lib/connections/connection-record.ts';
import {
  deduplicateTargets,
  digestWindowSeconds,
  enqueueForChanges,
  findShowingTarget,
  needsNotification,
} from '../../lib/notifications/notification.ts';
import { type Notification, readNotification } from '../../lib/outbox/notification.ts';
import { serviceItem } from '../../lib/services/service.ts';
import type { Item } from '../../lib/storage/table.ts';
import {
  alice,
  anApproval,
  anApprovalRequest,
  aRecord,
  aRequestNotification,
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
const inDigest = { digestId: 'digest-1' };
const accepted = { ...awaitingApproval, verdict: aVerdict('accept'), personDecision: anApproval() };
const time = noon.toISOString();
const aDay = 86_400;

/** A record with what approvers received about it; by default the current content. */
function receive(record: ConnectionRecord, received?: Partial<Notification>, of = record): NotifiedRecord {
  const item = aRequestNotification(of, received ?? { contentHash: computeContentHash(of) });
  return { record, notification: readNotification(item) };
}

const nothing = (record: ConnectionRecord): NotifiedRecord => ({
  record,
  notification: { ...requestTarget(record.endpointId), outdated: [], emailed: {}, attempts: 0, version: 0 },
});

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
        ...awaitingApproval,
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
  const decided = { ...awaitingApproval, verdict: aVerdict('accept') };
  const again = { ...awaitingApproval, approvalRequest: anApprovalRequest({ version: 9 }) };
  const findings = [{ rule: 'service-is-paused', outcome: 'hold', reason: 'paused' }] as const;
  const onHold = { ...awaitingApproval, verdict: aVerdict('hold', { findings: [...findings] }) };
  const ended = { ...awaitingApproval, state: 'deleted', endedAt: time } as const;
  test.each<[string, boolean, NotifiedRecord, number?]>([
    ['once a request is open', true, nothing(awaitingApproval)],
    ['without an approval request', false, nothing(aRecord({ verdict: aVerdict('accept') }))],
    ['while their message shows the current record', false, receive(awaitingApproval)],
    ['when the record changes', true, receive(decided, undefined, awaitingApproval)],
    ['when it asks a new question', true, receive(again, undefined, awaitingApproval)],
    ['before the next escalation stage', false, receive(awaitingApproval), aDay],
    ['when the next escalation stage is reached', true, receive(awaitingApproval), 2 * aDay],
    ['about an escalation stage while the service is paused', false, receive(onHold), 2 * aDay],
    ['about an escalation stage once the request is decided', false, receive(accepted), 30 * aDay],
    ['about an endpoint that ended', true, nothing(ended)],
    ['about one that ended a day ago, because TTL deletes the item', false, nothing(ended), aDay + 1],
    ['about a request in a digest while it is open', true, receive(awaitingApproval, inDigest)],
    ['about a request in a digest once it is decided', false, receive(decided, inDigest)],
  ])('need a notification %s: %s', (_, isNeeded, notified, seconds = 0) => {
    expect(needsNotification(notified, secondsAfterNoon(seconds))).toBe(isNeeded);
  });
});

test('a request shows in its digest, which a new question or a new group leaves', () => {
  const alone = requestTarget(endpointId(1));
  expect(findShowingTarget(nothing(awaitingApproval))).toEqual(alone);
  expect(findShowingTarget(receive(awaitingApproval, inDigest))).toEqual({ kind: 'digest', id: 'digest-1' });
  for (const change of [{ version: 9 }, { group: 'network' }]) {
    const moved = { ...awaitingApproval, approvalRequest: anApprovalRequest(change) };
    expect(findShowingTarget(receive(moved, inDigest, awaitingApproval))).toEqual(alone);
  }
});

test('several requests of one digest are one target', () => {
  const digest = { kind: 'digest', id: 'digest-1' } as const;
  const other = { kind: 'digest', id: 'digest-2' } as const;
  expect(deduplicateTargets([digest, { ...digest }, other])).toEqual([digest, other]);
});

describe('a change of the table enqueues', () => {
  const alone = requestTarget(endpointId(1));
  async function enqueueTargets(
    received: readonly Item[],
    ...changes: readonly (readonly [ConnectionRecord | undefined, ConnectionRecord])[]
  ) {
    const env = createTestEnv();
    env.put(...received);
    const items = changes.map(([before, after]) => ({
      before: before && recordItem(before),
      after: recordItem(after),
    }));
    await enqueueForChanges(items, env.deps);
    expect(env.errors).toEqual([]);
    return env.queuedNotifications;
  }

  test('a request that begins to await approval', async () => {
    expect(await enqueueTargets([], [undefined, awaitingApproval])).toEqual([alone]);
    const held = aRecord({ verdict: aVerdict('hold') });
    expect(await enqueueTargets([], [held, awaitingApproval])).toEqual([alone]);
  });

  test('a request whose message is outdated', async () => {
    const changed = { ...awaitingApproval, personDecision: anApproval() };
    expect(await enqueueTargets([], [awaitingApproval, changed])).toEqual([alone]);
  });

  test('nothing when notify-approvers itself recorded the stage', async () => {
    const reminded = { ...awaitingApproval, approvalRequest: anApprovalRequest({ stage: 'reminded' }) };
    expect(await enqueueTargets([], [awaitingApproval, reminded])).toEqual([]);
  });

  test('nothing for a request without an approval request', async () => {
    expect(await enqueueTargets([], [undefined, aRecord({ verdict: aVerdict('accept') })])).toEqual([]);
  });

  test('both the digest that a request left and the request', async () => {
    const moved = { ...awaitingApproval, approvalRequest: anApprovalRequest({ group: 'network' }) };
    const received = [aRequestNotification(awaitingApproval, inDigest)];
    expect(await enqueueTargets(received, [awaitingApproval, moved])).toEqual([
      alone,
      { kind: 'digest', id: 'digest-1', afterSeconds: digestWindowSeconds },
    ]);
  });

  test('a digest once, after a delay in which more of its requests can change', async () => {
    const second = { ...awaitingApproval, endpointId: endpointId(2) };
    const decisionFields = {
      verdict: aVerdict('accept', { decidedBy: alice }),
      personDecision: anApproval(),
    };
    const received = [awaitingApproval, second].map((record) => aRequestNotification(record, inDigest));
    expect(
      await enqueueTargets(
        received,
        [awaitingApproval, { ...awaitingApproval, ...decisionFields }],
        [second, { ...second, ...decisionFields }],
      ),
    ).toEqual([{ kind: 'digest', id: 'digest-1', afterSeconds: digestWindowSeconds }]);
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
