import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { requestMessage } from '../../../lib/channels/slack/request-message.ts';
import type { ConnectionRecord } from '../../../lib/connections/connection-record.ts';
import { readBlocks } from '../../../sandbox/slack/read-blocks.ts';
import {
  anApproval,
  anEntry,
  aRecord,
  aService,
  aVerdict,
  consumer,
  endpointId,
  noon,
} from '../../builders.ts';
import { anAwaitingRecord, approvalRequest, aView, group, slackAlice, slackBob } from './fixtures.ts';

function drawn(record: ConnectionRecord = anAwaitingRecord(), view: Parameters<typeof aView>[0] = {}) {
  const message = requestMessage(aView({ record, ...view }), noon);
  const blocks = readBlocks(message.blocks);
  const elements = blocks.flatMap((block) => (block.type === 'actions' ? block.elements : []));
  return { ...message, all: JSON.stringify(blocks), elements };
}

const accepts = {
  approval: anApproval({ by: slackAlice, reason: 'our customer', ticket: 'CHG-7' }),
  verdict: aVerdict('accept', { decidedBy: slackAlice }),
};

describe('an open request', () => {
  test('shows who asks for what, why people are asked, and what each button means', () => {
    const { text, all } = drawn(
      anAwaitingRecord({ endpointRegion: 'eu-west-1', ipAddressType: 'dualstack' }),
      {
        entries: [anEntry({ note: 'Globex' })],
      },
    );
    for (const part of [
      'orders in us-east-1',
      `${consumer} (Globex)`,
      `${endpointId(1)} in eu-west-1`,
      'dualstack',
      '<!date^1795262340^{date_short} {time}|2026-11-21T11:59:00.000Z>',
      '<!date^1795867200^',
      'account is not on the allowlist',
      'None that linkgate remembers',
      'the allowlist stays as it is',
      'the consumer pays for it until they delete it',
    ]) {
      expect(all).toContain(part);
      expect(text).toContain(part);
    }
  });

  test('has its buttons in one block, each with the request and its asking', () => {
    const { elements, blocks } = drawn();
    expect(blocks.filter(({ type }) => type === 'actions')).toHaveLength(1);
    expect(
      elements.map((element) =>
        element.type === 'button' ? [element.text.text, element.value] : element.type,
      ),
    ).toEqual([
      ['Approve', `${endpointId(1)}.3`],
      ['Approve and allow account', `${endpointId(1)}.3`],
      'static_select',
      ['Deny', `${endpointId(1)}.3`],
    ]);
    expect(elements[1]).toHaveProperty('confirm');
  });

  test('asks before the account is allowed what its entry loses by that', () => {
    const { elements } = drawn(anAwaitingRecord(), { entries: [anEntry({ maxEndpoints: 3 })] });
    expect(JSON.stringify(elements[1])).toContain(
      'It replaces the current entry: allow, at most 3 endpoints.',
    );
  });

  test('tells in its text what to type where there are no buttons', () => {
    expect(drawn().text).toContain(`/linkgate approve ${endpointId(1)}`);
  });

  test('has no buttons where the group decides by the API, and gives the command', () => {
    const { elements, all } = drawn(anAwaitingRecord(), { group: { ...group, decisionChannels: 'api' } });
    expect(elements).toEqual([]);
    expect(all).toContain(`linkgate approve ${endpointId(1)}`);
  });

  test('tells how many have approved, and that one denial denies', () => {
    const approvals = { decisions: [anApproval({ by: slackBob })], quorum: 2 };
    const { all, elements } = drawn(anAwaitingRecord({ approvals }), { group: { ...group, quorum: 2 } });
    expect(all).toContain('*1 of 2 approvals*');
    expect(all).toContain('<@U01BOB>');
    expect(all).toContain('It takes 2 approvals; one denial denies.');
    expect(elements).toHaveLength(4);
  });

  test('says what becomes of it when nobody decides, and that people were called upon', () => {
    expect(drawn().all).not.toContain('rejected for good');
    const reminded = anAwaitingRecord({ approvalRequest: { ...approvalRequest, stage: 'reminded' } });
    const { all } = drawn(reminded, { service: aService({ onExpiry: 'reject' }) });
    expect(all).toContain('or it is rejected for good. The approvers were reminded.');
  });

  test('names a ticket in its commands where the service wants one', () => {
    const { text } = drawn(anAwaitingRecord(), { service: aService({ requireTicket: true }) });
    expect(text).toContain(`/linkgate approve ${endpointId(1)} --ticket T`);
  });

  test('whose time ran out says so, and can still be decided', () => {
    const { all, elements } = drawn(
      anAwaitingRecord({
        approvalRequest: { ...approvalRequest, deadline: noon.toISOString(), stage: 'expired' },
      }),
    );
    expect(all).toContain('Nobody decided it before');
    expect(elements).toHaveLength(4);
  });

  test('tells what became of the account here before, and who decided last', () => {
    const earlier = [
      aRecord({ endpointId: endpointId(2), state: 'available', ...accepts }),
      aRecord({
        endpointId: endpointId(3),
        state: 'rejected',
        approval: anApproval({ decision: 'deny', by: slackBob, at: '2026-11-20T12:00:00.000Z' }),
        verdict: aVerdict('reject', { decidedBy: slackBob, decidedAt: '2026-11-20T12:00:00.000Z' }),
      }),
    ];
    const { all } = drawn(anAwaitingRecord(), { earlierConnections: earlier });
    expect(all).toContain('2 endpoints: 1 connected, 1 rejected');
    expect(all).toContain(`Last: ${endpointId(2)} accepted by <@U01ALICE>`);
  });
});

describe('a decided request', () => {
  test.each<[string, Partial<ConnectionRecord>, string]>([
    ['being accepted', {}, 'Being accepted'],
    ['connected', { state: 'available' }, 'Connected'],
    ['gone', { state: 'deleted', endedAt: noon.toISOString() }, 'Gone'],
  ])('that is %s has no buttons, and keeps who decided, when and why', (_, record, title) => {
    const { blocks, all, elements, text } = drawn(anAwaitingRecord({ ...accepts, ...record }));
    expect(blocks[0]).toMatchObject({ type: 'header', text: { text: expect.stringContaining(title) } });
    expect(elements).toEqual([]);
    for (const part of ['<@U01ALICE>', '<!date^1795262400^', 'our customer', 'CHG-7']) {
      expect(all).toContain(part);
      expect(text).toContain(part);
    }
  });

  test('is connected only once EC2 shows it', () => {
    for (const state of ['pendingAcceptance', 'pending'] as const)
      expect(drawn(anAwaitingRecord({ ...accepts, state })).text).not.toMatch(/connected/i);
    expect(drawn(anAwaitingRecord({ ...accepts, state: 'available' })).text).toMatch(/^Connected/);
  });

  test('says while the mode is observe that nothing comes of it in EC2', () => {
    const observed = drawn(anAwaitingRecord(accepts), { mode: 'observe' });
    expect(observed.text).toMatch(/^Decided, not applied/);
    expect(observed.all).toContain("linkgate's mode is observe: EC2 is left as it is.");
    expect(observed.all).not.toContain('the message changes once AWS shows that');
    const shown = drawn(anAwaitingRecord({ ...accepts, state: 'available' }), { mode: 'observe' });
    expect(shown.all).not.toContain('observe');
  });

  test('tells what it made of the allowlist', () => {
    const approval = anApproval({ by: slackAlice, allow: { expiresAt: '2026-12-21T12:00:00.000Z' } });
    expect(drawn(anAwaitingRecord({ ...accepts, approval })).all).toContain(
      `Account ${consumer} was put on the allowlist of orders until`,
    );
    expect(drawn(anAwaitingRecord(accepts)).all).not.toContain('allowlist');
  });

  test('tells what a denial costs the consumer once EC2 shows it', () => {
    const approval = anApproval({ decision: 'deny', by: 'mailto:approver@example.com', reason: 'unknown' });
    const verdict = aVerdict('reject', { decidedBy: approval.by });
    expect(drawn(anAwaitingRecord({ approval, verdict })).text).toMatch(/^Being rejected/);
    const { all } = drawn(anAwaitingRecord({ approval, verdict, state: 'rejected' }));
    expect(all).toContain('*Denied* by approver@example.com');
    expect(all).toContain('the consumer pays for it until they delete it');
  });

  test('that policy settled says so', () => {
    const verdict = aVerdict('reject', {
      findings: [
        { rule: 'approval-deadline-passed', outcome: 'reject', reason: 'nobody decided it in time' },
      ],
    });
    const { all } = drawn(
      anAwaitingRecord({ verdict, approvalRequest: { ...approvalRequest, stage: 'expired' } }),
    );
    expect(all).toContain('*Rejected by policy*');
    expect(all).toContain('nobody decided it in time');
  });

  test('that a pause holds back has no buttons, and tells both', () => {
    const verdict = aVerdict('hold', {
      findings: [{ rule: 'service-is-paused', outcome: 'hold', reason: 'orders is paused' }],
    });
    const { all, elements } = drawn(anAwaitingRecord({ approval: accepts.approval, verdict }));
    expect(elements).toEqual([]);
    expect(all).toContain('*Approved* by <@U01ALICE>');
    expect(all).toContain('orders is paused');
  });

  test('outside linkgate is shown as EC2 shows it, and names nobody', () => {
    const { all, elements } = drawn(anAwaitingRecord({ state: 'available' }));
    expect(elements).toEqual([]);
    expect(all).toContain('AWS shows it connected');
    expect(all).not.toContain('*Approved*');
  });
});

test('a user of a workspace that does not approve is named, not mentioned', () => {
  const approval = anApproval({ by: 'slack:T02OTHER:U01MALLORY' });
  const { all } = drawn(
    anAwaitingRecord({ approval, verdict: aVerdict('accept', { decidedBy: approval.by }) }),
  );
  expect(all).toContain('slack:T02OTHER:U01MALLORY');
  expect(all).not.toContain('<@U01MALLORY>');
});

test('what people wrote is escaped and clamped, and Slack takes the message', () => {
  const nasty = `<!channel> & ${'<😀>'.repeat(1_000)}`;
  const { text, all } = drawn(
    anAwaitingRecord({
      verdict: aVerdict('ask', {
        findings: Array.from({ length: 20 }, () => ({ rule: 'r', outcome: 'ask' as const, reason: nasty })),
      }),
      approvals: { decisions: [anApproval({ reason: nasty, ticket: nasty })], quorum: 2 },
    }),
    { service: aService({ name: 'x'.repeat(128) }), entries: [anEntry({ note: nasty })] },
  );
  expect(all).not.toContain('<!channel>');
  expect(text).not.toContain('<!channel>');
  expect(text.length).toBeLessThanOrEqual(4_000);
});

test('Slack takes the message whatever people wrote, and however much', () => {
  const decisions = fc
    .oneof(fc.string({ unit: 'binary' }), fc.string({ unit: fc.constantFrom('<', '&', '😀') }))
    .chain((text) => fc.nat(3_000).map((times) => text.repeat(Math.ceil(times / (text.length || 1)))));
  const records = fc.record({
    reason: decisions,
    ticket: decisions,
    note: decisions,
    name: decisions,
    finding: decisions,
  });
  fc.assert(
    fc.property(records, fc.nat(12), ({ reason, ticket, note, name, finding }, count) => {
      const findings = Array.from({ length: count }, () => ({
        rule: 'r',
        outcome: 'ask' as const,
        reason: finding,
      }));
      const approvals = {
        decisions: Array(count).fill(anApproval({ by: slackBob, reason, ticket })),
        quorum: 99,
      };
      const open = anAwaitingRecord({ verdict: aVerdict('ask', { findings }), approvals });
      const closed = anAwaitingRecord({
        ...accepts,
        approval: anApproval({ by: slackAlice, reason, ticket }),
      });
      for (const record of [open, closed]) {
        const { text } = drawn(record, {
          service: aService({ name }),
          entries: [anEntry({ note })],
          earlierConnections: Array(count).fill(aRecord({ ...closed, endpointId: endpointId(2) })),
        });
        expect(text.length).toBeLessThanOrEqual(4_000);
      }
    }),
    { numRuns: 50 },
  );
});
