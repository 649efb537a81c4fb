import { expect, test } from '@jest/globals';
import type { Conditions } from '../../../sandbox/iam/condition.ts';
import {
  isAllowed,
  isAllowedByResourcePolicy,
  type PolicyDocument,
  type Statement,
} from '../../../sandbox/iam/policy.ts';

const arn = 'arn:aws:ec2:us-east-1:111111111111:vpc-endpoint-service/vpce-svc-1';
const access = { action: 'ec2:AcceptVpcEndpointConnections', resource: arn };

const aPolicy = (statement: Partial<Statement> = {}): PolicyDocument => ({
  Statement: [{ Effect: 'Allow', Action: 'ec2:Accept*', Resource: '*', ...statement }],
});

test('an action without a matching statement is denied', () => {
  expect(isAllowed([], access)).toBe(false);
  expect(isAllowed([aPolicy()], { ...access, action: 'ec2:RejectVpcEndpointConnections' })).toBe(false);
  expect(isAllowed([aPolicy({ Resource: `${arn}0` })], access)).toBe(false);
});

test('actions match by wildcard and ignore case', () => {
  expect(isAllowed([aPolicy({ Action: ['s3:*', 'EC2:acceptvpc*'] })], access)).toBe(true);
});

test('an explicit deny wins over any allow', () => {
  expect(isAllowed([aPolicy(), aPolicy({ Effect: 'Deny' })], access)).toBe(false);
});

test.each<[Conditions, Record<string, string | string[]>, boolean]>([
  [{ StringEquals: { 'aws:ResourceTag/linkgate': 'local' } }, { 'aws:resourcetag/linkgate': 'local' }, true],
  [{ StringEquals: { 'aws:ResourceTag/linkgate': 'local' } }, {}, false],
  [{ StringEqualsIfExists: { key: 'a' } }, {}, true],
  [{ StringEqualsIfExists: { key: 'a' } }, { key: 'b' }, false],
  [{ StringLike: { key: 'a*' } }, { key: 'abc' }, true],
  [{ 'ForAllValues:StringLike': { key: 'A#*' } }, { key: ['A#1', 'B#1'] }, false],
  [{ 'ForAllValues:StringLike': { key: 'A#*' } }, {}, true],
  [{ 'ForAnyValue:StringLike': { key: 'A#*' } }, { key: ['A#1', 'B#1'] }, true],
  [{ 'ForAnyValue:StringLike': { key: 'A#*' } }, {}, false],
  [{ ArnLike: { key: 'arn:aws:sns:*:1:t*' } }, { key: 'arn:aws:sns:eu:1:topic' }, true],
  [{ ArnLike: { key: 'arn:aws:*' } }, { key: 'arn:aws:sns:eu:1:topic' }, false],
  [{ Bool: { key: true } }, { key: 'true' }, true],
])('the condition %j of a request with %j is %s', (Condition, conditions, expected) => {
  expect(isAllowed([aPolicy({ Condition })], { ...access, conditions })).toBe(expected);
});

test('an unknown operator throws', () => {
  const policy = aPolicy({ Condition: { DateLessThan: { key: 'now' } } });
  expect(() => isAllowed([policy], access)).toThrow('unknown condition operator `DateLessThan`');
});

test('a resource policy allows its principals under its conditions', () => {
  const policy = aPolicy({
    Principal: { Service: 'vpce.amazonaws.com' },
    Action: 'SNS:Publish',
    Condition: { StringEquals: { 'aws:SourceAccount': '111111111111' } },
  });
  const publish = (account: string) => ({
    action: 'sns:Publish',
    resource: 'arn:aws:sns:us-east-1:111111111111:topic',
    conditions: { 'aws:SourceAccount': account },
  });
  const vpce = { service: 'vpce.amazonaws.com' };
  expect(isAllowedByResourcePolicy(policy, vpce, publish('111111111111'))).toBe(true);
  expect(isAllowedByResourcePolicy(policy, vpce, publish('222222222222'))).toBe(false);
  expect(isAllowedByResourcePolicy(policy, { service: 'sqs.amazonaws.com' }, publish('111111111111'))).toBe(
    false,
  );
});
