import { describe, expect, test } from '@jest/globals';
import type { StatusContext } from '../../lib/approvals/status.ts';
import { nextStepText, statusLabel, statusText } from '../../lib/approvals/status-text.ts';
import type { ConnectionRecord } from '../../lib/connections/connection-record.ts';
import { writePlain } from '../../lib/values/styled-text.ts';
import {
  aFinding,
  alice,
  anApproval,
  anApprovalRequest,
  anEntry,
  aRecord,
  aService,
  aVerdict,
  consumer,
  endpointId,
  noon,
  secondsAfterNoon,
} from '../builders.ts';
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
} from '../notifications/connected-fixtures.ts';

const rejected =
  'It stays rejected, even if its account is allowed later: its owner pays for it until they delete it, and has to create a new endpoint.';
const observing = "linkgate's mode is observe: it does not change EC2 until `linkgate mode enforce`.";
const decidedAt = 'on 21 Nov 2026, 12:00 UTC';
const approvals = { quorum: 2, decisions: [anApproval({ ticket: 'OPS-1' })] };
const approved = {
  verdict: aVerdict('accept', { decidedBy: alice }),
  personDecision: anApproval({ reason: 'known' }),
};
const denial = anApproval({ decision: 'deny', reason: 'unknown' });
const denied = { verdict: aVerdict('reject', { decidedBy: alice }), personDecision: denial };
const paused = {
  verdict: aVerdict('hold', { findings: [aFinding({ outcome: 'hold', reason: 'orders is paused' })] }),
};
const ask = { verdict: aVerdict('ask'), approvalRequest: anApprovalRequest() };
const overdue = { ...ask, approvalRequest: anApprovalRequest({ stage: 'expired' }) };
const pendingAccept = { action: 'accept', attempts: 1, lastAttemptAt: noon.toISOString() } as const;

function aContext(record: Partial<ConnectionRecord>, context: Partial<StatusContext> = {}): StatusContext {
  return {
    record: aRecord(record as Parameters<typeof aRecord>[0]),
    service: aService(),
    entries: [],
    mode: 'enforce',
    ...context,
  };
}

function expectStatus(context: StatusContext, label: string, text: string): void {
  expect(statusLabel(context)).toBe(label);
  const lines = statusText(context).map((line) => writePlain(line));
  expect(lines.join(' ')).toBe(text);
}

describe('the status of a request', () => {
  test.each<[string, string, string, Partial<ConnectionRecord>, Partial<StatusContext>?]>([
    ['without a verdict', 'Waiting for approval', 'linkgate decides it within a minute.', {}],
    [
      'that is open',
      'Waiting for approval',
      'It waits for approval until 28 Nov 2026, 12:00 UTC, and stays open after that.',
      ask,
    ],
    [
      'that is rejected at its deadline',
      'Waiting for approval',
      'It waits for approval until 28 Nov 2026, 12:00 UTC, and linkgate then rejects it permanently.',
      ask,
      { service: aService({ onExpiry: 'reject' }) },
    ],
    [
      'that is open after its deadline',
      'Waiting for approval',
      'It still waits for approval: nobody decided before 28 Nov 2026, 12:00 UTC. linkgate reminded the approvers.',
      overdue,
    ],
    [
      'that one of two approved',
      'Waiting for approval',
      `1 of 2 approvals • by ${alice} ${decidedAt} (ticket OPS-1) It waits for approval.`,
      { verdict: aVerdict('ask'), approvals },
    ],
    [
      'that a failed rule holds',
      'On hold',
      'It is on hold, whatever approvers decide: orders is paused. linkgate tries again within two minutes.',
      paused,
    ],
    [
      'to a paused service',
      'On hold',
      'It is on hold, whatever approvers decide: orders is paused. `linkgate resume orders` ends the pause.',
      paused,
      { service: aService({ pausedAt: noon.toISOString() }) },
    ],
    [
      'that a person approved before the pause',
      'On hold',
      `Approved by ${alice} ${decidedAt}: known It is on hold, whatever approvers decide: orders is paused. linkgate tries again within two minutes.`,
      { ...paused, personDecision: approved.personDecision },
    ],
    [
      'that is approved, and not yet connected in EC2',
      'Being accepted',
      `Approved by ${alice} ${decidedAt}: known linkgate accepts it; EC2 does not show it connected yet.`,
      approved,
    ],
    [
      'that EC2 refused to accept',
      'Being accepted',
      `Accepted by policy ${decidedAt}: because EC2 refused to accept it; linkgate tries again after 21 Nov 2026, 12:01 UTC.`,
      { verdict: aVerdict('accept'), pendingEffect: pendingAccept },
      { isRefused: true },
    ],
    [
      'that is approved in mode observe',
      'Decided, not applied',
      `Approved by ${alice} ${decidedAt}: known linkgate would accept it. ${observing}`,
      approved,
      { mode: 'observe' },
    ],
    [
      'that EC2 connects',
      'Being accepted',
      `Approved by ${alice} ${decidedAt}: known EC2 is connecting it.`,
      { ...approved, state: 'pending' },
    ],
    [
      'that is connected in mode observe',
      'Connected',
      `Approved by ${alice} ${decidedAt}: known EC2 shows it connected.`,
      { ...approved, state: 'available' },
      { mode: 'observe' },
    ],
    [
      'that somebody else accepted',
      'Connected',
      'EC2 shows it connected. Somebody accepted it outside linkgate; linkgate decides within a minute whether it stays.',
      { ...ask, state: 'available' },
    ],
    [
      'that is denied',
      'Being rejected',
      `Denied by ${alice} ${decidedAt}: unknown linkgate rejects it; EC2 does not show it rejected yet.`,
      denied,
    ],
    [
      'that policy rejected',
      'Rejected',
      `Rejected by policy ${decidedAt}: because EC2 shows it rejected. ${rejected}`,
      { verdict: aVerdict('reject'), state: 'rejected' },
    ],
    [
      'to a deregistered service',
      'Service deregistered',
      'Its service is not registered, so linkgate does not decide it.',
      { ...ask, serviceDeregisteredAt: noon.toISOString() },
    ],
    [
      'to a service that was never registered',
      'Waiting for approval',
      'Its service is not registered, so linkgate does not decide it.',
      {},
      { service: undefined },
    ],
    [
      'of a deleted endpoint',
      'Endpoint deleted',
      'The endpoint is deleted; nothing is left to do.',
      { state: 'deleted' },
    ],
    [
      'that failed in EC2',
      'Endpoint deleted',
      'EC2 shows it failed: the consumer has to create a new endpoint.',
      { state: 'failed' },
    ],
  ])('%s is “%s”: “%s”', (_, label, text, record, context = {}) =>
    expectStatus(aContext(record, context), label, text),
  );
});

describe('the status of a connection', () => {
  const extended = { by: alice, at: noon.toISOString(), until: disconnectAt, reason: 'they migrate' };
  const scheduled =
    'It is connected until 24 Nov 2026, 12:00 UTC. linkgate disconnects it then, unless somebody keeps it connected or extends it.';
  test.each<[string, string, string, ConnectionRecord, Partial<StatusContext>?]>([
    ['in its grace period', 'Disconnect scheduled', scheduled, aScheduledDisconnect()],
    [
      'that a person extended',
      'Disconnect scheduled',
      `Extended until 24 Nov 2026, 12:00 UTC by ${alice} ${decidedAt}: they migrate ${scheduled}`,
      aScheduledDisconnect({ extended }),
    ],
    [
      'in its grace period in mode observe',
      'Disconnect scheduled',
      `${scheduled} ${observing}`,
      aScheduledDisconnect(),
      { mode: 'observe' },
    ],
    [
      'that a block disconnects at a time',
      'Disconnect scheduled',
      'It is connected until 24 Nov 2026, 12:00 UTC. linkgate disconnects it then.',
      aScheduledDisconnect({
        verdict: aVerdict('reject', {
          findings: [aFinding({ rule: 'account-is-blocked', outcome: 'reject' })],
          until: disconnectAt,
        }),
      }),
    ],
    [
      'accepted outside linkgate',
      'Decision needed',
      'It is connected and stays connected until somebody decides.',
      anExternallyAccepted(),
    ],
    [
      'beyond the disconnect quota after its deadline',
      'Decision needed',
      'It is connected and stays connected until somebody decides: nobody decided before 28 Nov 2026, 12:00 UTC. linkgate escalated it to leads.',
      anOverQuotaDisconnect({ approvalRequest: anApprovalRequest({ stage: 'expired' }) }),
      { group: { name: 'default', quorum: 1, slackUsers: [], emails: [], escalateTo: 'leads', version: 1 } },
    ],
    [
      'on hold by a pause',
      'On hold',
      'It is connected and stays connected while decisions are on hold: orders is paused.',
      aScheduledDisconnect(paused),
    ],
    [
      'that a person kept',
      'Stays connected',
      `Kept connected by ${alice} ${decidedAt}: renewed It stays connected.`,
      aScheduledDisconnect(approvedByPerson),
    ],
    [
      'that is allowed again',
      'Stays connected',
      `Accepted by policy ${decidedAt}: because It stays connected.`,
      aCancelledDisconnect(),
    ],
    [
      'after its grace period',
      'Being disconnected',
      `Disconnected by policy on 24 Nov 2026, 12:00 UTC: account ${consumer} is not on the allowlist of orders linkgate disconnects it; EC2 does not show it rejected yet.`,
      aScheduledDisconnect(disconnectedByPolicy),
    ],
    [
      'after its grace period in mode observe',
      'Decided, not applied',
      `Disconnected by policy on 24 Nov 2026, 12:00 UTC: account ${consumer} is not on the allowlist of orders linkgate would disconnect it. ${observing}`,
      aScheduledDisconnect(disconnectedByPolicy),
      { mode: 'observe' },
    ],
    [
      'that a person disconnected',
      'Disconnected',
      `Disconnected by ${alice} ${decidedAt}: contract ended It is disconnected: EC2 shows it rejected. ${rejected}`,
      aDisconnected(disconnectedByPerson),
    ],
  ])('%s is “%s”: “%s”', (_, label, text, record, context = {}) =>
    expectStatus(aContext(record, context), label, text),
  );
});

describe('the next step', () => {
  const writeNextStep = (record: Partial<ConnectionRecord>, context: Partial<StatusContext> = {}) =>
    writePlain(nextStepText(aContext({ state: 'available', ...record }, context)), (time) => time);
  const wideRequest = (rule: string) =>
    aScheduledDisconnect({
      endpointRegion: 'eu-west-1',
      verdict: aVerdict('reject', {
        findings: [
          aFinding({ rule: 'no-longer-allowed', outcome: 'reject' }),
          aFinding({ rule, outcome: 'ask' }),
        ],
        until: disconnectAt,
      }),
    });

  test('of an open request is a decision, with its commands', () => {
    const pending = { ...ask, state: 'pendingAcceptance' } as const;
    expect(writeNextStep(pending)).toContain(
      `stays open after that. \`linkgate approve ${endpointId(1)}\` approves it; \`linkgate deny ${endpointId(1)} --reason "…"\` denies it.`,
    );
    expect(writeNextStep(pending, { service: aService({ requireTicket: true }) })).toContain('--ticket …');
    expect(writeNextStep(pending, { mode: 'observe' })).toContain(observing);
  });

  test('of a request on hold names no command that decides it', () => {
    expect(writeNextStep({ ...paused, state: 'pendingAcceptance' })).not.toContain('linkgate approve');
  });

  test('of a scheduled disconnect is the disconnect, with the commands that change it', () => {
    expect(writeNextStep(aScheduledDisconnect())).toBe(
      `It is connected until ${disconnectAt}. linkgate disconnects it then, unless somebody keeps it connected or extends it. \`linkgate allow ${consumer} --service orders\` keeps it connected; \`linkgate extend ${endpointId(1)} --until 14d --reason "…"\` extends it; \`linkgate revoke ${endpointId(1)} --now --reason "…"\` disconnects it now.`,
    );
  });

  test.each([
    ['entry-has-expired', { expiresAt: noon.toISOString(), note: 'Acme' }, '--expires 90d --note Acme'],
    ['max-endpoints-reached', { maxEndpoints: 1 }, '--max-endpoints …'],
    [
      'endpoint-is-not-named',
      { endpointIds: [endpointId(2)] },
      `--endpoint ${endpointId(2)} --endpoint ${endpointId(1)}`,
    ],
    [
      'consumer-region-is-not-named',
      { consumerRegions: ['eu-west-2'] },
      '--consumer-region eu-west-2 --consumer-region eu-west-1',
    ],
  ])('after the finding %s widens the entry and keeps its other settings', (rule, narrowed, options) => {
    expect(writeNextStep(wideRequest(rule), { entries: [anEntry(narrowed)] })).toContain(
      `\`linkgate allow ${consumer} --service orders ${options}\` keeps it connected;`,
    );
  });

  test('of an account with an entry of the policy file is a change of the file', () => {
    const step = writeNextStep(aScheduledDisconnect(), { entries: [anEntry({ managedBy: 'file' })] });
    expect(step).toContain('widening the entry of its account in the policy file');
    expect(step).not.toContain(`linkgate allow ${consumer}`);
  });

  test('of a revoked connection names no command that keeps it', () => {
    const revocation = { since: noon.toISOString(), disconnectAt, cause: 'person', by: alice } as const;
    const step = writeNextStep(aScheduledDisconnect({ revocation }));
    expect(step).toContain('only Keep connected in Slack or in an email cancels the revocation');
    expect(step).not.toContain('keeps it connected;');
  });

  test.each<[string, string, Partial<ConnectionRecord>, Partial<StatusContext>?]>([
    [
      'older than the registration',
      'It stays: it is older than the registration of its service.',
      {},
      { service: aService({ registeredAt: secondsAfterNoon(60).toISOString() }) },
    ],
    ['not decided yet', 'linkgate decides with the next sweep whether it stays.', {}],
    [
      'of an unregistered service',
      'Its service is not registered, so linkgate does not manage it.',
      {},
      { service: undefined },
    ],
    [
      'whose permission expires',
      `That permission expires on ${disconnectAt}; linkgate warns the approvers 14 days, 7 days and 1 day before.`,
      { verdict: aVerdict('accept', { until: disconnectAt }) },
    ],
    ['of a paused service', 'linkgate disconnects nothing for now: orders is paused.', paused],
    [
      'that policy rejects in mode observe',
      `linkgate would disconnect it. ${observing}`,
      { verdict: aVerdict('reject') },
      { mode: 'observe' },
    ],
  ])('of a connection %s is “%s”', (_, step, record, context = {}) => {
    expect(writeNextStep(record, context)).toBe(`EC2 shows it connected. ${step}`);
  });
});
