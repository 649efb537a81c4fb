import { expect, test } from '@jest/globals';
import * as v from 'valibot';
import {
  AccountRegion,
  awsPartition,
  awsServiceName,
  formatAccountRegion,
  parseAccountRegion,
} from '../../lib/locations/account-region.ts';
import { hub, serviceId } from '../builders.ts';

test.each([
  'us-east-1',
  'eusc-de-east-1',
  'us-gov-west-1',
  'us-isof-south-1',
  'ap-southeast-10',
  'mx-central-1',
  'zz-new2-north-1',
])('any Region name is valid, also that of a future Region: %s', (region) => {
  const location = { ...hub, region };
  expect(parseAccountRegion(formatAccountRegion(location))).toEqual(location);
});

test.each(['us-east', 'us-east-1a', 'us_east_1', 'US-EAST-1', '', 'us-east-1 ', 'us/east-1', 'global'])(
  '`%s` is not a Region name',
  (region) => {
    const { issues } = v.safeParse(AccountRegion, { ...hub, region });
    expect(issues?.map(({ message }) => message)).toEqual(['a Region looks like us-east-1']);
  },
);

test.each([
  ['us-east-1', '', 'aws'],
  ['cn-northwest-1', '', 'aws-cn'],
  ['us-gov-east-1', '', 'aws-us-gov'],
  ['us-isob-east-1', '', 'aws-iso-b'],
  ['eusc-de-east-1', '', 'aws-eusc'],
  ['zz-new-north-1', 'arn:aws-zz:sns:zz-new-north-1:111111111111:topic', 'aws-zz'],
])(
  'the partition of the Region %s comes from its name, or else from the topic ARN `%s`: %s',
  (region, arn, partition) => {
    expect(awsPartition(region, arn)).toBe(partition);
  },
);

test('a service name begins with `com.amazonaws`, or in the partition aws-cn with `cn.com.amazonaws`', () => {
  const createName = (region: string) => awsServiceName({ ...hub, region }, serviceId(1));
  expect(createName('eu-west-1')).toBe(`com.amazonaws.vpce.eu-west-1.${serviceId(1)}`);
  expect(createName('cn-north-1')).toBe(`cn.com.amazonaws.vpce.cn-north-1.${serviceId(1)}`);
});
