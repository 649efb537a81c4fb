import { describe, expect, test } from '@jest/globals';
import { createEvents, type Rule } from '../../../sandbox/aws/events.ts';
import { createIds, manualClock } from './manual-clock.ts';

const busArn = 'arn:aws:events:us-east-1:111111111111:event-bus/default';

function aBus(rule: Partial<Rule> = {}) {
  const delivered: unknown[] = [];
  const events = createEvents({
    clock: manualClock(),
    id: createIds(),
    deliver: (_target, payload) => void delivered.push(payload),
  });
  events.createRule({
    arn: 'arn:aws:events:us-east-1:111111111111:rule/changes',
    name: 'changes',
    busArn,
    state: 'ENABLED',
    pattern: '{"source":["aws.ec2"]}',
    targets: [{ Id: 'one', Arn: 'arn:aws:sqs:us-east-1:111111111111:jobs' }],
    ...rule,
  });
  const putEvent = (region = 'us-east-1', source = 'aws.ec2') =>
    events.putAwsEvent('111111111111', region, { source, 'detail-type': 'Change', detail: { id: 7 } });
  return { events, delivered, putEvent };
}

test('the target of a rule gets matching events', () => {
  const { delivered, putEvent } = aBus();
  putEvent();
  putEvent('us-east-1', 'aws.s3');
  putEvent('eu-west-1');
  expect(delivered).toEqual([
    {
      version: '0',
      id: 'id-1',
      source: 'aws.ec2',
      'detail-type': 'Change',
      account: '111111111111',
      region: 'us-east-1',
      time: '2026-01-01T00:00:00Z',
      resources: [],
      detail: { id: 7 },
    },
  ]);
});

test('a disabled rule sends nothing', () => {
  const { delivered, putEvent } = aBus({ state: 'DISABLED' });
  putEvent();
  expect(delivered).toEqual([]);
});

test('a target may get a constant input', () => {
  const { delivered, putEvent } = aBus({
    targets: [{ Id: 'one', Arn: 'arn', Input: '{"full":true}' }],
  });
  putEvent();
  expect(delivered).toEqual([{ full: true }]);
});

describe('a rule of a user', () => {
  function anApi() {
    const { events, delivered, putEvent } = aBus();
    const caller = { accountId: '111111111111', region: 'us-east-1', arn: 'arn:aws:iam::111111111111:root' };
    const call = (operation: string, input: object) =>
      events.service.operations[operation]?.(input as never, { caller } as never);
    return { call, delivered, putEvent };
  }
  const target = { Id: 'mine', Arn: 'arn:aws:sqs:us-east-1:111111111111:mine' };
  const pattern = '{"detail-type":["Change"]}';

  test('sends matching events to each of its targets', () => {
    const { call, delivered, putEvent } = anApi();
    expect(call('PutRule', { Name: 'mine', EventPattern: pattern })).toEqual({
      RuleArn: 'arn:aws:events:us-east-1:111111111111:rule/mine',
    });
    call('PutTargets', { Rule: 'mine', Targets: [target] });
    call('PutTargets', { Rule: 'mine', Targets: [{ ...target, Id: 'other', Input: '{"other":true}' }] });
    // A rule that is put again keeps its targets.
    call('PutRule', { Name: 'mine', EventPattern: pattern });
    putEvent('us-east-1', 'aws.s3');
    expect(delivered).toEqual([expect.objectContaining({ source: 'aws.s3' }), { other: true }]);
  });

  test('is refused with an invalid pattern, and on a missing bus', () => {
    const { call } = anApi();
    expect(() => call('PutRule', { Name: 'mine', EventPattern: '{"source":"aws.ec2"}' })).toThrow(
      'Event pattern is not valid',
    );
    expect(() => call('PutRule', { Name: 'mine', EventPattern: pattern, EventBusName: 'none' })).toThrow(
      'does not exist',
    );
    expect(() => call('PutTargets', { Rule: 'none', Targets: [target] })).toThrow('does not exist');
  });
});
