import { describe, expect, test } from '@jest/globals';
import { aFinding, alice, anApproval, aRecord, aVerdict, consumer, endpointId } from '../../builders.ts';
import {
  aCancelledDisconnect,
  aScheduledDisconnect,
  disconnectedByPolicy,
} from '../../notifications/connected-fixtures.ts';
import { address, createLinkTestEnv, deny, withReason } from './fixtures.ts';

describe('whoever follows a link', () => {
  test.each(['GET', 'HEAD'])('is shown the request, and nothing is changed: %s', async (method) => {
    const situation = createLinkTestEnv();
    const before = await situation.record(endpointId(1));
    expect(await situation.follow({}, method)).toMatchObject({ statusCode: 200 });
    expect(situation.writes()).toBe(0);
    expect(situation.rings).toEqual([]);
    expect(await situation.record(endpointId(1))).toEqual(before);
  });

  test('reads who asks for what, why people were asked, what is known of the account, and what the answers do', async () => {
    const situation = createLinkTestEnv({
      record: {
        verdict: aVerdict('ask', {
          findings: [aFinding({ outcome: 'ask', reason: 'its entry has expired' })],
        }),
        endpointRegion: 'eu-west-1',
      },
      entries: [{ note: 'Acme', maxEndpoints: 3 }],
      earlier: [
        aRecord({
          endpointId: endpointId(2),
          requestedAt: '2026-11-20T11:59:00.000Z',
          state: 'available',
          verdict: aVerdict('accept', { decidedBy: alice }),
          approval: anApproval({ reason: 'signed', ticket: 'OPS-1' }),
        }),
      ],
    });
    const { body } = await situation.follow();
    expect(body).toContain('<html lang="en">');
    for (const text of [
      consumer,
      'orders',
      `${endpointId(1)} in eu-west-1`,
      'Decide before</dt><dd>22 Nov 2026, 12:00 UTC',
      'its entry has expired',
      'allow, at most 3 endpoints (“Acme”)',
      'It replaces the current entry: allow, at most 3 endpoints.',
      `${alice} approved it on 21 Nov 2026, 12:00 UTC (ticket OPS-1): “signed”. EC2 shows it connected.`,
      'its owner pays for it by the hour until they delete it',
      `the word of ${address}`,
    ])
      expect(body).toContain(text);
  });

  test('finds a form that does the one thing that the link is for', async () => {
    const { body: toApprove } = await createLinkTestEnv().follow();
    expect(toApprove).toContain('>Approve</button>');
    expect(toApprove).not.toContain('name="block"');
    const { body: toDeny } = await createLinkTestEnv().follow(deny);
    expect(toDeny).toContain('>Deny</button>');
    expect(toDeny).not.toContain('name="allow"');
  });

  test('is shown what others wrote as text, whatever it is', async () => {
    const hostile = '"><script>alert(1)</script><img src=x onerror=alert(1)>&amp;';
    const situation = createLinkTestEnv({
      service: { name: hostile },
      group: { quorum: 2 },
      entries: [{ note: hostile, effect: 'allow' }],
      record: {
        verdict: aVerdict('ask', { findings: [aFinding({ reason: hostile })] }),
        approvals: { quorum: 2, decisions: [anApproval({ by: hostile, reason: hostile })] },
      },
    });
    const { body } = await situation.follow();
    expect(body).not.toMatch(/<(script|img)/);
    expect(body).toContain('&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;');
    expect(body).toContain('&amp;amp;');
    const again = await situation.answer({ reason: hostile.repeat(30) });
    expect(again.body).not.toMatch(/<(script|img)/);
  });
});

describe('whoever follows a link about a connection in its grace period', () => {
  const { endpointId: _endpointId, ...record } = aScheduledDisconnect();
  const bound = { version: 3 };

  test('reads when it is cut and why, and what each answer does before it is given', async () => {
    const { statusCode, body } = await createLinkTestEnv({ record }).follow(bound);
    expect(statusCode).toBe(200);
    for (const text of [
      `<h1>Keep account ${consumer} connected?</h1>`,
      'from your endpoint service orders on 24 Nov 2026, 12:00 UTC.',
      'Disconnect on</dt><dd>24 Nov 2026, 12:00 UTC',
      'Why linkgate disconnects it',
      `<strong>Keep connected:</strong> linkgate keeps ${endpointId(1)} of account ${consumer} connected permanently`,
      `<dt>Extend 14 days</dt><dd>linkgate keeps ${endpointId(1)} of account ${consumer} connected until 8 Dec 2026, 12:00 UTC`,
      '<dt>Disconnect now</dt>',
      '<button class="approve">Keep connected</button>',
    ])
      expect(body).toContain(text);
    const { body: toDeny } = await createLinkTestEnv({ record }).follow({ ...bound, ...deny });
    expect(toDeny).toContain(`<h1>Disconnect account ${consumer} now?</h1>`);
    expect(toDeny).toContain('<button class="deny">Disconnect now</button>');
    expect(`${body}${toDeny}`).not.toMatch(/>(Approve|Deny)</);
  });

  const extend = {
    ...bound,
    purpose: 'extend',
    disconnectAt: aScheduledDisconnect().revocation?.disconnectAt ?? '',
  } as const;
  const extendedTo = '2026-12-08T12:00:00.000Z';

  test('extends it by 14 days, once', async () => {
    const situation = createLinkTestEnv({ record, service: { requireTicket: true } });
    const { body: page } = await situation.follow(extend);
    expect(page).toContain(`<h1>Extend the connection of account ${consumer} by 14 days?</h1>`);
    expect(page).toContain('<button class="approve">Extend 14 days</button>');
    expect(page).not.toContain('name="allow"');
    const { statusCode, body } = await situation.answer(withReason, extend);
    expect({ statusCode, title: /<h1>(.*)<\/h1>/.exec(body)?.[1] }).toEqual({
      statusCode: 200,
      title: 'You extended it by 14 days',
    });
    const kept = { by: `mailto:${address}`, until: extendedTo, reason: withReason.reason };
    expect(await situation.record(endpointId(1))).toMatchObject({
      kept,
      revocation: { disconnectAt: extendedTo },
    });
    const again = await situation.answer(withReason, extend);
    expect(again.statusCode).toBe(409);
    expect(again.body).toContain('It was not extended');
    expect(await situation.record(endpointId(1))).toMatchObject({ revocation: { disconnectAt: extendedTo } });
    // Whoever extended it may still keep it.
    expect((await situation.follow(bound)).statusCode).toBe(200);
  });

  test('extends nothing without a reason, nor as somebody who is no approver any more', async () => {
    const situation = createLinkTestEnv({ record });
    expect((await situation.answer({}, extend)).statusCode).toBe(422);
    const stranger = { ...extend, address: 'stranger@example.com' };
    expect((await situation.answer(withReason, stranger)).statusCode).toBe(403);
    expect(situation.writes()).toBe(0);
  });

  test('lets it stay, and is told so', async () => {
    const situation = createLinkTestEnv({ record });
    const { body } = await situation.answer(withReason, bound);
    expect(body).toContain('It stays connected.');
    expect(body).toContain(`The connection of account ${consumer}`);
    expect(await situation.record(endpointId(1))).toMatchObject({ verdict: { outcome: 'accept' } });
    const { statusCode, body: again } = await situation.follow(bound);
    expect(statusCode).toBe(410);
    expect(again).toContain('You have answered already');
  });

  test('cuts it at once', async () => {
    const situation = createLinkTestEnv({ record });
    const { body } = await situation.answer(withReason, { ...bound, ...deny });
    expect(body).toContain('EC2 is asked now to reject it.');
    expect(await situation.record(endpointId(1))).toMatchObject({
      pendingEffect: { action: 'reject', attempts: 0 },
    });
  });

  test('comes too late once it is cut, or allowed again', async () => {
    for (const { endpointId: _id, ...late } of [
      aScheduledDisconnect(disconnectedByPolicy),
      aCancelledDisconnect(),
    ]) {
      const { statusCode, body } = await createLinkTestEnv({ record: late }).follow(bound);
      expect(statusCode).toBe(409);
      expect(body).toContain('This connection is no longer in question');
    }
  });
});
