import * as v from 'valibot';

/** Any name that AWS may give a Region, also one that nobody knows yet; of an Availability Zone, which ends in a letter, it is not the form. */
const RegionName = v.pipe(
  v.string(),
  v.regex(/^[a-z]{2,16}(-[a-z0-9]{1,16}){1,4}-\d{1,3}$/, 'a Region looks like us-east-1'),
);

/** Where endpoint services live: one AWS account in one Region. */
export const AccountRegion = v.object({
  accountId: v.pipe(v.string(), v.regex(/^\d{12}$/, 'an account id has 12 digits')),
  region: RegionName,
});
export type AccountRegion = v.InferOutput<typeof AccountRegion>;

/** `111122223333/us-east-1`: how a place is written in keys and message groups. */
export function formatAccountRegion({ accountId, region }: AccountRegion): string {
  return `${accountId}/${region}`;
}

export function parseAccountRegion(name: string): AccountRegion {
  const [accountId, region] = name.split('/');
  return v.parse(AccountRegion, { accountId, region });
}

/** By what a Region's name begins with. */
const regionPartitions = [
  ['cn-', 'aws-cn'],
  ['us-gov-', 'aws-us-gov'],
  ['us-isob-', 'aws-iso-b'],
  ['us-isof-', 'aws-iso-f'],
  ['us-iso-', 'aws-iso'],
  ['eu-isoe-', 'aws-iso-e'],
  ['eusc-', 'aws-eusc'],
] as const;

/** @param arn of something in that Region, which tells a partition that nobody knows yet; empty where there is none */
export function awsPartition(region: string, arn: string): string {
  const known = regionPartitions.find(([prefix]) => region.startsWith(prefix))?.[1];
  return known ?? /^arn:(aws[a-z-]*):/.exec(arn)?.[1] ?? 'aws';
}

/** What consumers connect to, for a service of which EC2 cannot be asked any more. */
export function awsServiceName({ region }: AccountRegion, serviceId: string): string {
  const domain = awsPartition(region, '') === 'aws-cn' ? 'cn.com.amazonaws' : 'com.amazonaws';
  return `${domain}.vpce.${region}.${serviceId}`;
}
