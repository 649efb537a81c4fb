import { beforeEach, expect, test } from '@jest/globals';
import { createSsm, type Ssm } from '../../../sandbox/aws/ssm.ts';

const caller = { accountId: '111111111111', region: 'us-east-1' };

let ssm: Ssm;

beforeEach(() => {
  ssm = createSsm({ now: () => 0 });
  for (const name of ['/linkgate/local/api-url', '/linkgate/local/mode', '/other'])
    ssm.put(caller, { name, value: 'a value', type: 'SecureString' });
  ssm.put({ ...caller, region: 'eu-west-1' }, { name: '/linkgate/local/elsewhere', value: 'a value' });
});

function describeParameters(input: object): { Parameters: { Name: string }[]; NextToken?: string } {
  return ssm.service.operations.DescribeParameters?.(input as never, { caller } as never) as never;
}

const below = (path: string) => [{ Key: 'Name', Option: 'BeginsWith', Values: [path] }];

test('parameters are described by name without their values, page by page', () => {
  const first = describeParameters({ ParameterFilters: below('/linkgate/'), MaxResults: 1 });
  expect(first.Parameters).toMatchObject([{ Name: '/linkgate/local/api-url', Type: 'SecureString' }]);
  expect(first.Parameters[0]).not.toHaveProperty('Value');
  const { NextToken } = first;
  const second = describeParameters({ ParameterFilters: below('/linkgate/'), NextToken });
  expect(second).toMatchObject({ Parameters: [{ Name: '/linkgate/local/mode' }] });
  expect(second.NextToken).toBeUndefined();
});

test('an unknown filter is an error', () => {
  expect(() => describeParameters({ ParameterFilters: [{ Key: 'Type', Values: ['String'] }] })).toThrow(
    'not known',
  );
});
