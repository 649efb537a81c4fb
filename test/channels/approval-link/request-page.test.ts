import { describe, expect, test } from '@jest/globals';
import { aFinding, alice, anApproval, aRecord, aVerdict, consumer, endpointId } from '../../builders.ts';
import {
  aCancelledDisconnect,
  aScheduledDisconnect,
  disconnectedByPolicy,
} from '../../notifications/connected-fixtures.ts';
import { address, createLinkTestEnv, deny, withReason } from './fixtures.ts';

describe('the page of an approval link', () => {
  test.each(['GET', 'HEAD'])('shows the request and changes nothing for %s', async (method) => {
    const env = createLinkTestEnv();
    const before = await env.record(endpointId(1));
    expect(await env.follow({}, method)).toMatchObject({ statusCode: 200 });
    expect(env.writes()).toBe(0);
    expect(env.applyRequests).toEqual([]);
    expect(await env.record(endpointId(1))).toEqual(before);
  });

  test('shows the request, the reasons, the earlier connections of the account, and the effect of each decision', async () => {
    const env = createLinkTestEnv({
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
          personDecision: anApproval({ reason: 'signed', ticket: 'OPS-1' }),
        }),
      ],
    });
    const { body } = await env.follow();
    expect(body).toContain('<html lang="en">');
    for (const text of [
      `${endpointId(1)} in eu-west-1`,
      'Decide before</dt><dd>22 Nov 2026, 12:00 UTC',
      'its entry has expired',
      'allow, at most 3 endpoints (“Acme”)',
      'It replaces the current entry: allow, at most 3 endpoints.',
      `connected. <strong>Approved</strong> by ${alice} on 21 Nov 2026, 12:00 UTC (ticket OPS-1): signed`,
      'its owner pays for it until they delete it',
      `this decision as yours: ${address}`,
    ])
      expect(body).toContain(text);
  });

  test('has a form for the one action of the link', async () => {
    const { body: toApprove } = await createLinkTestEnv().follow();
    expect(toApprove).toContain('>Approve</button>');
    expect(toApprove).not.toContain('name="block"');
    const { body: toDeny } = await createLinkTestEnv().follow(deny);
    expect(toDeny).toContain('>Deny</button>');
    expect(toDeny).not.toContain('name="allow"');
  });

  test('escapes all text from outside', async () => {
    const hostile = '"><script>alert(1)</script><img src=x onerror=alert(1)>&amp;';
    const env = createLinkTestEnv({
      service: { name: hostile },
      group: { quorum: 2 },
      entries: [{ note: hostile, effect: 'allow' }],
      record: {
        verdict: aVerdict('ask', { findings: [aFinding({ reason: hostile })] }),
        approvals: { quorum: 2, decisions: [anApproval({ by: hostile, reason: hostile })] },
      },
    });
    const { body } = await env.follow();
    expect(body).not.toMatch(/<(script|img)/);
    expect(body).toContain('&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;');
    expect(body).toContain('&amp;amp;');
    const again = await env.answer({ reason: hostile.repeat(30) });
    expect(again.body).not.toMatch(/<(script|img)/);
  });
});

describe('an approval link for a connection in its grace period', () => {
  const { endpointId: _endpointId, ...record } = aScheduledDisconnect();
  const bound = { version: 3 };

  test('shows the disconnect time, the reasons, and the effect of each decision', async () => {
    const { statusCode, body } = await createLinkTestEnv({ record }).follow(bound);
    expect(statusCode).toBe(200);
    for (const text of [
      `<h1>Keep account ${consumer} connected?</h1>`,
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

  test('extends the connection by 14 days, once', async () => {
    const env = createLinkTestEnv({ record, service: { requireTicket: true } });
    const { body: page } = await env.follow(extend);
    expect(page).toContain(`<h1>Extend the connection of account ${consumer} by 14 days?</h1>`);
    expect(page).toContain('<button class="approve">Extend 14 days</button>');
    expect(page).not.toContain('name="allow"');
    const { statusCode, body } = await env.answer(withReason, extend);
    expect({ statusCode, title: /<h1>(.*)<\/h1>/.exec(body)?.[1] }).toEqual({
      statusCode: 200,
      title: 'You extended the connection by 14 days',
    });
    const extended = { by: `mailto:${address}`, until: extendedTo, reason: withReason.reason };
    expect(await env.record(endpointId(1))).toMatchObject({
      extended,
      revocation: { disconnectAt: extendedTo },
    });
    const again = await env.answer(withReason, extend);
    expect(again.statusCode).toBe(409);
    expect(again.body).toContain('The connection was not extended');
    expect(await env.record(endpointId(1))).toMatchObject({ revocation: { disconnectAt: extendedTo } });
    // The person who extended it may still keep it connected.
    expect((await env.follow(bound)).statusCode).toBe(200);
  });

  test('does not extend without a reason, nor for an address that is no longer an approver', async () => {
    const env = createLinkTestEnv({ record });
    expect((await env.answer({}, extend)).statusCode).toBe(422);
    const stranger = { ...extend, address: 'stranger@example.com' };
    expect((await env.answer(withReason, stranger)).statusCode).toBe(403);
    expect(env.writes()).toBe(0);
  });

  test('keeps the connection, and confirms it', async () => {
    const env = createLinkTestEnv({ record });
    const { body } = await env.answer(withReason, bound);
    expect(body).toContain('It stays connected.');
    expect(body).toContain(`The connection of account ${consumer}`);
    expect(await env.record(endpointId(1))).toMatchObject({ verdict: { outcome: 'accept' } });
    const { statusCode, body: again } = await env.follow(bound);
    expect(statusCode).toBe(410);
    expect(again).toContain('You have already decided');
  });

  test('disconnects the connection immediately', async () => {
    const env = createLinkTestEnv({ record });
    const { body } = await env.answer(withReason, { ...bound, ...deny });
    expect(body).toContain('linkgate disconnects it; EC2 does not show it rejected yet.');
    expect(await env.record(endpointId(1))).toMatchObject({
      pendingEffect: { action: 'reject', attempts: 0 },
    });
  });

  test('is closed once policy disconnects the connection or allows it again', async () => {
    for (const { endpointId: _id, ...late } of [
      aScheduledDisconnect(disconnectedByPolicy),
      aCancelledDisconnect(),
    ]) {
      const { statusCode, body } = await createLinkTestEnv({ record: late }).follow(bound);
      expect(statusCode).toBe(409);
      expect(body).toContain('This connection no longer needs a decision');
    }
  });
});
