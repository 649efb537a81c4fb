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

const asked = aRecord({ verdict: aVerdict('ask'), approvalRequest: anApprovalRequest(), version: 2 });
const shown = told(asked);
const inDigest = { ...asked, notification: { digestId: 'digest-1', emailedTo: [] } };
const accepted = { ...asked, verdict: aVerdict('accept'), approval: anApproval() };
const time = noon.toISOString();
const aDay = 86_400;

/** A record of which people see what it says. */
function told(record: ConnectionRecord): ConnectionRecord {
  return {
    ...record,
    notification: {
      contentHash: computeContentHash(record),
      slackMessage: { channel: 'C01APPROVALS', ts: '1.1' },
      emailedTo: [],
    },
  };
}

describe('what people see of a request', () => {
  test.each([
    ['what EC2 shows', { state: 'available' }],
    ['what was decided', { verdict: aVerdict('accept') }],
    [
      'why they are asked',
      { verdict: aVerdict('ask', { findings: [{ rule: 'a', outcome: 'ask', reason: 'another' }] }) },
    ],
    ['whom they are', { approvalRequest: anApprovalRequest({ group: 'network' }) }],
    ['who decided', { approval: anApproval() }],
    ['who has approved', { approvals: { decisions: [anApproval()], quorum: 2 } }],
    ['how far their time has run', { approvalRequest: anApprovalRequest({ stage: 'reminded' }) }],
  ] as const satisfies [string, Partial<ConnectionRecord>][])('changes with %s', (_, change) => {
    const changed = { ...asked, ...change } as ConnectionRecord;
    expect(computeContentHash(changed)).not.toBe(computeContentHash(asked));
  });

  test('does not change with what nobody is shown', () => {
    expect(
      computeContentHash({ ...shown, version: 9, auditCount: 4, observedAt: time, countsTowardQuota: true }),
    ).toBe(computeContentHash(asked));
    const asksEc2 = { ...accepted, pendingEffect: { action: 'accept', attempts: 2 } } as const;
    expect(computeContentHash(asksEc2)).toBe(computeContentHash(accepted));
  });

  test('does not change where it is left to them once more, for the same reasons', () => {
    const again = { ...asked, verdict: aVerdict('ask', { decidedAt: secondsAfterNoon(1).toISOString() }) };
    expect(computeContentHash(again)).toBe(computeContentHash(asked));
  });

  test('tells words of two people apart, whatever their order in time', () => {
    const [alices, bobs] = [anApproval(), anApproval({ by: 'slack:T01LOCAL:U01BOB' })];
    const one = { ...asked, approvals: { decisions: [alices], quorum: 2 } };
    expect(computeContentHash({ ...one, approvals: { decisions: [bobs], quorum: 2 } })).not.toBe(
      computeContentHash(one),
    );
  });
});

describe('people are to be told', () => {
  test('of a request once they were asked about it', () => {
    expect(needsNotification(asked, noon)).toBe(true);
    expect(needsNotification(aRecord({ verdict: aVerdict('accept') }), noon)).toBe(false);
  });

  test('nothing that they see already', () => {
    expect(needsNotification(shown, noon)).toBe(false);
  });

  test('again when it changes', () => {
    expect(needsNotification({ ...shown, verdict: aVerdict('accept') }, noon)).toBe(true);
  });

  test('when the next stage of their time is reached', () => {
    expect(needsNotification(shown, secondsAfterNoon(aDay))).toBe(false);
    expect(needsNotification(shown, secondsAfterNoon(2 * aDay))).toBe(true);
  });

  test('nothing of the time while something keeps it, whatever they say', () => {
    const findings = [{ rule: 'service-is-paused', outcome: 'hold', reason: 'paused' }] as const;
    const kept = { ...asked, verdict: aVerdict('hold', { findings: [...findings] }) };
    expect(needsNotification(told(kept), secondsAfterNoon(2 * aDay))).toBe(false);
  });

  test('nothing of the time once it is decided', () => {
    expect(needsNotification(told(accepted), secondsAfterNoon(30 * aDay))).toBe(false);
  });

  test('of a digest while one of its requests is open', () => {
    expect(needsNotification(inDigest, noon)).toBe(true);
    expect(needsNotification({ ...inDigest, verdict: aVerdict('accept') }, noon)).toBe(false);
  });
});

test('what people are told of is a request, or the digest that it is a part of', () => {
  expect(buildNotificationTarget(asked)).toEqual({ endpointId: endpointId(1) });
  expect(buildNotificationTarget(inDigest)).toEqual({ digest: 'digest-1' });
});

test('many requests of one digest are one subject', () => {
  const others = [{ digest: 'digest-2' }, { endpointId: endpointId(1) }];
  expect(
    deduplicateTargets([buildNotificationTarget(inDigest), buildNotificationTarget(inDigest), ...others]),
  ).toEqual([{ digest: 'digest-1' }, ...others]);
});

describe('a change of the table rings', () => {
  async function rungFor(...changes: readonly (readonly [ConnectionRecord | undefined, ConnectionRecord])[]) {
    const env = createTestEnv();
    const items = changes.map(([before, after]) => ({
      before: before && recordItem(before),
      after: recordItem(after),
    }));
    await enqueueForChanges(items, env.deps);
    expect(env.errors).toEqual([]);
    return env.notices;
  }
  const alone = { endpointId: endpointId(1) };

  test('when people begin to be asked', async () => {
    expect(await rungFor([undefined, asked])).toEqual([alone]);
    expect(await rungFor([aRecord({ verdict: aVerdict('hold') }), asked])).toEqual([alone]);
  });

  test('when what they see is no longer so', async () => {
    expect(await rungFor([shown, { ...shown, approval: anApproval() }])).toEqual([alone]);
  });

  test('for nobody when people were told of it, or its stage was written by who tells them', async () => {
    expect(await rungFor([asked, shown])).toEqual([]);
    expect(
      await rungFor([shown, { ...shown, approvalRequest: anApprovalRequest({ stage: 'reminded' }) }]),
    ).toEqual([]);
  });

  test('for nobody about what nobody was asked', async () => {
    expect(await rungFor([undefined, aRecord({ verdict: aVerdict('accept') })])).toEqual([]);
  });

  test('for the digest that a request has left, and for the request', async () => {
    const { notification: _notice, ...elsewhere } = {
      ...inDigest,
      approvalRequest: anApprovalRequest({ group: 'network' }),
    };
    expect(await rungFor([inDigest, elsewhere])).toEqual([
      alone,
      { digest: 'digest-1', afterSeconds: digestWindowSeconds },
    ]);
  });

  test('once for a digest, and later, so that it may grow', async () => {
    const second = { ...inDigest, endpointId: endpointId(2) };
    const decided = { verdict: aVerdict('accept', { decidedBy: alice }), approval: anApproval() };
    expect(
      await rungFor([inDigest, { ...inDigest, ...decided }], [second, { ...second, ...decided }]),
    ).toEqual([{ digest: 'digest-1', afterSeconds: digestWindowSeconds }]);
  });

  test('for each that can be read, and the other is reported', async () => {
    const env = createTestEnv();
    const newer = { ...recordItem({ ...asked, endpointId: endpointId(2) }), schemaVersion: '2.0' };
    await enqueueForChanges(
      [
        { before: undefined, after: newer },
        { before: undefined, after: serviceItem(aService()) },
        { before: recordItem(asked), after: undefined },
        { before: undefined, after: recordItem(asked) },
      ],
      env.deps,
    );
    expect(env.notices).toEqual([alone]);
    expect(env.errors).toMatchObject([{ name: 'UnsupportedSchemaVersionError' }]);
  });
});
