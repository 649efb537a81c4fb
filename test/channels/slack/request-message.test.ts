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

function renderMessage(
  record: ConnectionRecord = anAwaitingRecord(),
  view: Parameters<typeof aView>[0] = {},
) {
  const message = requestMessage(aView({ record, ...view }), noon);
  const blocks = readBlocks(message.blocks);
  const elements = blocks.flatMap((block) => (block.type === 'actions' ? block.elements : []));
  return { ...message, all: JSON.stringify(blocks), elements };
}

const accepts = {
  personDecision: anApproval({ by: slackAlice, reason: 'our customer', ticket: 'CHG-7' }),
  verdict: aVerdict('accept', { decidedBy: slackAlice }),
};

describe('an open request', () => {
  test('shows the request, the reasons, and the effect of each button', () => {
    const { text, all } = renderMessage(
      anAwaitingRecord({ endpointRegion: 'eu-west-1', ipAddressType: 'dualstack' }),
      {
        entries: [anEntry({ note: 'Globex' })],
        customer: 'initech',
      },
    );
    expect(text).toContain(`Waiting for approval: ${consumer} (initech) to orders`);
    for (const part of [
      `*Account:* ${consumer} (initech)`,
      'orders (vpce-svc-00000000000000001) in us-east-1',
      'allow (“Globex”)',
      `${endpointId(1)} in eu-west-1`,
      'dualstack',
      '<!date^1795262340^{date_short} {time}|2026-11-21T11:59:00.000Z>',
      '<!date^1795867200^',
      'account is not on the allowlist',
      'None that linkgate knows',
      'does not change the allowlist',
      'its owner pays for it until they delete it',
    ]) {
      expect(all).toContain(part);
      expect(text).toContain(part);
    }
  });

  test('has its buttons in one block, each with the endpoint and the version of the approval request', () => {
    const { elements, blocks } = renderMessage(anAwaitingRecord(), {
      entries: [anEntry({ maxEndpoints: 3 })],
    });
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
    expect(elements[1]).toHaveProperty(
      'confirm.text.text',
      expect.stringContaining('It replaces the current entry: allow, at most 3 endpoints.'),
    );
    const overdue = anAwaitingRecord({ approvalRequest: { ...approvalRequest, stage: 'expired' } });
    expect(renderMessage(overdue).elements).toHaveLength(4);
  });

  test('has commands and no buttons if the group decides only by API', () => {
    const { elements, all } = renderMessage(anAwaitingRecord(), {
      group: { ...group, decisionChannels: 'api' },
    });
    expect(elements).toEqual([]);
    expect(all).toContain(`linkgate approve ${endpointId(1)}`);
  });

  test('shows the approvals, the quorum, and that one denial is enough', () => {
    const approvals = { decisions: [anApproval({ by: slackBob })], quorum: 2 };
    const { all, elements } = renderMessage(anAwaitingRecord({ approvals }), {
      group: { ...group, quorum: 2 },
    });
    expect(all).toContain('*1 of 2 approvals*');
    expect(all).toContain('<@U01BOB>');
    expect(all).toContain('2 people have to approve; one denial is enough to deny.');
    expect(elements).toHaveLength(4);
  });

  test('has the slash commands in its text, with the ticket that the service requires', () => {
    const { text } = renderMessage(anAwaitingRecord(), { service: aService({ requireTicket: true }) });
    expect(text).toContain(`/linkgate approve ${endpointId(1)} --ticket …`);
  });
});

describe('a decided request', () => {
  test('shows its status as the title, and the author, time, ticket and reason, without buttons', () => {
    const { blocks, all, elements, text } = renderMessage(
      anAwaitingRecord({ ...accepts, state: 'available' }),
    );
    expect(blocks[0]).toMatchObject({ type: 'header', text: { text: expect.stringContaining('Connected') } });
    expect(elements).toEqual([]);
    for (const part of ['<@U01ALICE>', '<!date^1795262400^', 'our customer', 'CHG-7']) {
      expect(all).toContain(part);
      expect(text).toContain(part);
    }
  });
});

test.each([
  ['a user of a workspace without approvers', 'slack:T02OTHER:U01MALLORY', 'slack:T02OTHER:U01MALLORY'],
  ['an e-mail address', 'mailto:approver@example.com', 'by approver@example.com'],
])('%s is named, not mentioned', (_, by, name) => {
  const { all } = renderMessage(
    anAwaitingRecord({ personDecision: anApproval({ by }), verdict: aVerdict('accept', { decidedBy: by }) }),
  );
  expect(all).toContain(name);
  expect(all).not.toContain('<@');
});

test('text from outside is escaped and truncated to the limits of Slack', () => {
  const nasty = `<!channel> & ${'<😀>'.repeat(1_000)}`;
  const { text, all } = renderMessage(
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

test('a message with any text from outside is within the limits of Slack', () => {
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
        personDecision: anApproval({ by: slackAlice, reason, ticket }),
      });
      for (const record of [open, closed]) {
        const { text } = renderMessage(record, {
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
