import { provider } from '../accounts.ts';
import { AwsError, type Caller } from './aws-service.ts';

/** The default security group of each account and Region. */
const validId = {
  vpc: 'vpc-0123456789abcdef0',
  subnet: 'subnet-0123456789abcdef0',
  securityGroup: 'sg-0123456789abcdef0',
};

export const defaultSecurityGroupId = validId.securityGroup;

/** EC2's list of error codes has no malformed code for a notification id. */
const idKinds = {
  service: { prefix: 'vpce-svc-', code: 'InvalidVpcEndpointServiceId.Malformed' },
  endpoint: { prefix: 'vpce-', code: 'InvalidVpcEndpointId.Malformed' },
  notification: { prefix: 'vpce-nfn-', code: 'InvalidConnectionNotification' },
  vpc: { prefix: 'vpc-', code: 'InvalidVpcID.Malformed' },
  subnet: { prefix: 'subnet-', code: 'InvalidSubnetID.Malformed' },
  securityGroup: { prefix: 'sg-', code: 'InvalidSecurityGroupId.Malformed' },
};

export function requireIds(kind: keyof typeof idKinds, ids: readonly string[] = []): void {
  const { prefix, code } = idKinds[kind];
  const malformed = ids.find(
    (id) => !(id.startsWith(prefix) && /^([0-9a-f]{8}|[0-9a-f]{17})$/.test(id.slice(prefix.length))),
  );
  if (malformed !== undefined)
    throw new AwsError(code, `Invalid id: "${malformed}" (expecting "${prefix}...")`);
}

/** The sandbox does not model VPCs: each account and Region has one VPC, one subnet and one security group. */
export function requireNetwork({
  vpcId,
  subnetIds = [],
  securityGroupIds = [],
}: {
  readonly vpcId?: string | undefined;
  readonly subnetIds?: readonly string[] | undefined;
  readonly securityGroupIds?: readonly string[] | undefined;
}): void {
  requireExisting('vpc', vpcId === undefined ? [] : [vpcId], 'InvalidVpcID.NotFound', 'vpc');
  requireExisting('subnet', subnetIds, 'InvalidSubnetID.NotFound', 'subnet');
  requireExisting('securityGroup', securityGroupIds, 'InvalidSecurityGroupID.NotFound', 'security group');
}

function requireExisting(
  kind: keyof typeof validId,
  ids: readonly string[],
  code: string,
  noun: string,
): void {
  requireIds(kind, ids);
  const unknown = ids.find((id) => id !== validId[kind]);
  if (unknown !== undefined) throw new AwsError(code, `The ${noun} ID '${unknown}' does not exist`);
}

/** The provider has one Network Load Balancer (`net`) and one Gateway Load Balancer (`gwy`) in each Region. */
export function requireLoadBalancers(
  { accountId, region }: Caller,
  kind: 'net' | 'gwy',
  arns: readonly string[] = [],
): void {
  const existing = new RegExp(
    `^arn:aws[a-z-]*:elasticloadbalancing:${region}:${provider.accountId}:loadbalancer/${kind}/svc/0123456789abcdef$`,
  );
  const unknown = arns.find((arn) => accountId !== provider.accountId || !existing.test(arn));
  if (unknown === undefined) return;
  const name = kind === 'net' ? 'Network' : 'Gateway';
  const existingArnHint = `account ${provider.accountId} has arn:aws:elasticloadbalancing:${region}:${provider.accountId}:loadbalancer/${kind}/svc/0123456789abcdef here`;
  throw new AwsError(
    `Invalid${name}LoadBalancerArn.NotFound`,
    `The load balancer '${unknown}' does not exist: ${existingArnHint}`,
  );
}

/** A connection notification needs a standard topic in the caller's account and Region. */
export function requireTopic({ accountId, region }: Caller, arn: string | undefined): void {
  if (arn !== undefined && !new RegExp(`^arn:aws[a-z-]*:sns:${region}:${accountId}:[\\w-]{1,256}$`).test(arn))
    throw new AwsError('InvalidParameterValue', `Invalid value '${arn}' for connectionNotificationArn`);
}

export function requireOneOf(
  name: string,
  values: readonly string[] | undefined,
  allowed: readonly string[],
): void {
  const wrong = values?.find((value) => !allowed.includes(value));
  if (wrong !== undefined)
    throw new AwsError(
      'InvalidParameterValue',
      `Value ( ${wrong} ) for parameter ${name} is invalid. Expecting one of: ${allowed.join(', ')}`,
    );
}

export function missingParameter(name: string): AwsError {
  return new AwsError('MissingParameter', `The request must contain the parameter ${name}`);
}

/** Applies the `Add…` and `Remove…` members of a Modify call to a list. */
export function addAndRemove(
  present: readonly string[],
  add: readonly string[] = [],
  remove: readonly string[] = [],
): string[] {
  return [...new Set([...present, ...add])].filter((value) => !remove.includes(value));
}
