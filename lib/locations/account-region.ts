import * as v from 'valibot';

/** Matches any Region name, including future Regions. The name of an Availability Zone ends with a letter and does not match. */
const RegionName = v.pipe(
  v.string(),
  v.regex(/^[a-z]{2,16}(-[a-z0-9]{1,16}){1,4}-\d{1,3}$/, 'a Region looks like us-east-1'),
);

/** The location of endpoint services: one AWS account in one Region. */
export const AccountRegion = v.object({
  accountId: v.pipe(v.string(), v.regex(/^\d{12}$/, 'an account id has 12 digits')),
  region: RegionName,
});
export type AccountRegion = v.InferOutput<typeof AccountRegion>;

/** `111122223333/us-east-1`: the format of a location in keys and message groups. */
export function formatAccountRegion({ accountId, region }: AccountRegion): string {
  return `${accountId}/${region}`;
}

export function parseAccountRegion(name: string): AccountRegion {
  const [accountId, region] = name.split('/');
  return v.parse(AccountRegion, { accountId, region });
}

/** AWS partitions by the prefix of the Region name. */
const regionPartitions = [
  ['cn-', 'aws-cn'],
  ['us-gov-', 'aws-us-gov'],
  ['us-isob-', 'aws-iso-b'],
  ['us-isof-', 'aws-iso-f'],
  ['us-iso-', 'aws-iso'],
  ['eu-isoe-', 'aws-iso-e'],
  ['eusc-', 'aws-eusc'],
] as const;

/** @param arn the ARN of a resource in that Region, which names the partition of an unknown Region; may be empty */
export function awsPartition(region: string, arn: string): string {
  const partition = regionPartitions.find(([prefix]) => region.startsWith(prefix))?.[1];
  return partition ?? /^arn:(aws[a-z-]*):/.exec(arn)?.[1] ?? 'aws';
}

/** Builds the service name to which consumers connect, for a service that EC2 does not list. */
export function awsServiceName({ region }: AccountRegion, serviceId: string): string {
  const domain = awsPartition(region, '') === 'aws-cn' ? 'cn.com.amazonaws' : 'com.amazonaws';
  return `${domain}.vpce.${region}.${serviceId}`;
}
