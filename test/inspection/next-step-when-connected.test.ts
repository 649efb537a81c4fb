import { describe, expect, test } from '@jest/globals';
import type { ConnectionRecord } from '../../lib/connections/connection-record.ts';
import { nextStep } from '../../lib/inspection/next-step.ts';
import type { Mode } from '../../lib/mode/mode.ts';
import {
  aConnection,
  aFinding,
  alice,
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

const disconnectAt = secondsAfterNoon(72 * 3600).toISOString();
const connection = aConnection({ state: 'available' });

function readNextStep(record: Partial<ConnectionRecord> | undefined, around: object = {}): string {
  return nextStep(connection, record && aRecord({ state: 'available', ...record }), {
    isListed: true,
    service: aService(),
    mode: 'enforce' as Mode,
    isRefused: false,
    ...around,
  });
}

/** A connection with a scheduled disconnect. */
function disconnectFields(cause: 'policy' | 'person', record: Partial<ConnectionRecord> = {}) {
  const findings = [
    aFinding({ rule: 'no-longer-allowed', outcome: 'reject', reason: 'it is not allowed any more' }),
  ];
  return {
    verdict: aVerdict('reject', { findings, until: disconnectAt }),
    revocation: { since: noon.toISOString(), disconnectAt, cause, by: alice },
    approvalRequest: anApprovalRequest({ deadline: disconnectAt }),
    ...record,
  };
}

describe('the next step of a connected endpoint says', () => {
  test('why it stays', () => {
    expect(readNextStep({ verdict: aVerdict('accept') })).toBe('It is connected, and stays: because.');
  });

  test('when its permission expires', () => {
    expect(readNextStep({ verdict: aVerdict('accept', { until: disconnectAt }) })).toContain(
      `That permission expires at ${disconnectAt}; linkgate warns the approvers 14 days`,
    );
  });

  test('that it is older than the registration of its service', () => {
    const service = aService({ registeredAt: noon.toISOString() });
    expect(readNextStep(undefined, { service })).toContain('older than the registration of its service');
  });

  test('that its service is not registered', () => {
    expect(readNextStep(undefined, { service: undefined })).toContain('linkgate does not manage it');
  });

  test('when it is disconnected, and the commands that keep it connected', () => {
    const step = readNextStep(disconnectFields('policy'));
    expect(step).toContain(
      `It is connected until ${disconnectAt}, and is disconnected then: it is not allowed any more.`,
    );
    expect(step).toContain(`linkgate allow ${consumer} --service orders`);
    for (const command of ['extend', 'revoke'])
      expect(step).toContain(`linkgate ${command} ${endpointId(1)}`);
  });

  test('the command that widens its entry and keeps the other settings', () => {
    const entry = anEntry({ maxEndpoints: 1, expiresAt: disconnectAt, note: 'Acme' });
    const findings = [
      aFinding({ rule: 'no-longer-allowed', outcome: 'reject', reason: 'it has too many' }),
      aFinding({ rule: 'max-endpoints-reached', outcome: 'ask', reason: 'it has too many' }),
      aFinding({ rule: 'account-is-allowed', reason: 'it is allowed' }),
    ];
    const record = disconnectFields('policy', {
      verdict: aVerdict('reject', { findings, until: disconnectAt }),
    });
    expect(readNextStep(record, { entry })).toContain(
      `\`linkgate allow ${consumer} --service orders --max-endpoints … --expires ${disconnectAt} --note Acme\` keeps it connected;`,
    );
  });

  test.each([
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
    ['entry-has-expired', { expiresAt: noon.toISOString() }, '--expires 90d'],
  ] as const)('the options that change its entry after the finding %s', (rule, narrowed, options) => {
    const findings = [aFinding({ rule, outcome: 'ask' })];
    const record = disconnectFields('policy', {
      verdict: aVerdict('reject', { findings, until: disconnectAt }),
    });
    const entry = anEntry({ ...narrowed } as Parameters<typeof anEntry>[0]);
    expect(readNextStep({ ...record, endpointRegion: 'eu-west-1' }, { entry })).toContain(
      `--service orders ${options}\``,
    );
  });

  test('that an entry of the policy file has to be changed in the file', () => {
    const step = readNextStep(disconnectFields('policy'), { entry: anEntry({ managedBy: 'file' }) });
    expect(step).toContain('widening the entry of its account in the policy file');
    expect(step).not.toContain(`linkgate allow ${consumer}`);
  });

  test('no allow command for a connection that somebody revoked', () => {
    const step = readNextStep(disconnectFields('person'));
    expect(step).toContain('only Keep connected in Slack or in an email cancels the revocation');
    expect(step).not.toContain('keeps it connected');
  });

  test('that it is being disconnected', () => {
    const verdict = aVerdict('reject');
    const effect = { action: 'reject', attempts: 0 } as const;
    expect(readNextStep({ ...disconnectFields('policy'), verdict, pendingEffect: effect })).toBe(
      'It is connected. linkgate is disconnecting it: because.',
    );
  });

  test('that EC2 refused to reject it, and the time of the next attempt', () => {
    const pendingEffect = { action: 'reject', attempts: 1, lastAttemptAt: noon.toISOString() } as const;
    const record = { ...disconnectFields('policy'), verdict: aVerdict('reject'), pendingEffect };
    expect(readNextStep(record, { isRefused: true })).toContain(
      `EC2 refused to reject it; linkgate tries again after ${secondsAfterNoon(60).toISOString()}.`,
    );
  });

  test('that linkgate would disconnect it, in the mode observe', () => {
    expect(readNextStep({ verdict: aVerdict('reject') }, { mode: 'observe' })).toContain(
      'linkgate would disconnect it: because. Its mode is observe',
    );
  });

  test('that nothing is disconnected while its service is paused', () => {
    const verdict = aVerdict('hold', {
      findings: [aFinding({ outcome: 'hold', reason: 'orders is paused' })],
    });
    expect(readNextStep({ verdict })).toBe(
      'It is connected, and linkgate disconnects nothing for now: orders is paused.',
    );
  });

  test('that approval is requested for a connection that somebody accepted outside linkgate', () => {
    const finding = aFinding({
      rule: 'accepted-outside-linkgate',
      outcome: 'ask',
      reason: 'somebody accepted it',
    });
    const step = readNextStep({
      verdict: aVerdict('ask', { findings: [finding] }),
      approvalRequest: anApprovalRequest(),
    });
    expect(step).toContain(
      `stays until an approver decides (requested at ${noon.toISOString()}): somebody accepted it.`,
    );
    expect(step).toContain(`linkgate revoke ${endpointId(1)} --now`);
    expect(step).toContain(`\`linkgate allow ${consumer} --service orders\` keeps it connected`);
    expect(step).not.toContain('linkgate extend');
  });

  test('that approval is requested beyond the disconnect quota', () => {
    const finding = aFinding({
      rule: 'disconnect-quota-exceeded',
      outcome: 'ask',
      reason: 'the disconnect quota is used up',
    });
    const record = disconnectFields('policy', { verdict: aVerdict('ask', { findings: [finding] }) });
    expect(readNextStep(record)).toContain('stays until an approver decides (requested at');
  });
});

test('the next step of a disconnected endpoint says why it was disconnected', () => {
  const record = aRecord({ state: 'rejected', ...disconnectFields('policy') });
  const step = nextStep(aConnection({ state: 'rejected' }), record, {
    isListed: true,
    service: aService(),
    mode: 'enforce',
    isRefused: false,
  });
  expect(step).toMatch(/^linkgate disconnected it: it is not allowed any more\. It stays rejected/);
});
