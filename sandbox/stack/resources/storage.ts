import { isDeepStrictEqual } from 'node:util';
import { AwsError } from '../../aws/aws-service.ts';
import { isAllowed } from '../../iam/policy.ts';
import { type Properties, type ResourceTypes, resourceArn } from '../resource-type.ts';

const tableMembers = [
  'AttributeDefinitions',
  'BillingMode',
  'GlobalSecondaryIndexes',
  'KeySchema',
  'LocalSecondaryIndexes',
  'ProvisionedThroughput',
];

export const storageResources: ResourceTypes = {
  'AWS::DynamoDB::Table': {
    properties: [
      ...tableMembers,
      'DeletionProtectionEnabled',
      'PointInTimeRecoverySpecification',
      'SSESpecification',
      'StreamSpecification',
      'TableName',
      'Tags',
      'TimeToLiveSpecification',
    ],
    async create(properties, stack, logicalId) {
      const { dynamoDb } = stack.emulator;
      const { StreamSpecification, TimeToLiveSpecification, PointInTimeRecoverySpecification } = properties;
      const TableName = properties.TableName ?? `${stack.name}-${logicalId}`;
      const members = tableMembers.filter((name) => properties[name] !== undefined);
      await dynamoDb
        .call(stack, 'CreateTable', {
          TableName,
          ...Object.fromEntries(members.map((name) => [name, properties[name]])),
          ...(StreamSpecification && {
            StreamSpecification: { StreamEnabled: true, ...StreamSpecification },
          }),
        })
        .catch(rethrowUnlessExists);
      const { Table } = (await dynamoDb.call(stack, 'DescribeTable', { TableName })) as Properties;
      if (TimeToLiveSpecification)
        await dynamoDb
          .call(stack, 'UpdateTimeToLive', { TableName, TimeToLiveSpecification })
          .catch(rethrowUnlessExists);
      if (PointInTimeRecoverySpecification)
        await dynamoDb.call(stack, 'UpdateContinuousBackups', {
          TableName,
          PointInTimeRecoverySpecification,
        });
      const Arn = resourceArn(stack, 'dynamodb', `table/${TableName}`);
      stack.emulator.tableArns.push(Arn);
      const StreamArn: string | undefined = Table.LatestStreamArn;
      return { ref: TableName, attributes: { Arn, ...(StreamArn !== undefined && { StreamArn }) } };
    },
  },

  'AWS::SSM::Parameter': {
    properties: ['Description', 'Name', 'Tags', 'Tier', 'Type', 'Value'],
    create(properties, stack, logicalId) {
      const { Name, Value, Type } = properties;
      // CloudFormation does not update a resource whose template is unchanged, even if its value changed since.
      if (!isDeepStrictEqual(stack.earlier(logicalId), properties))
        stack.emulator.ssm.put(stack, { name: Name, value: Value, type: Type });
      return { ref: Name, attributes: { Type, Value } };
    },
    remove: ({ ref }, stack) => stack.emulator.ssm.remove(stack, ref),
  },

  'AWS::IAM::Role': {
    properties: [
      'AssumeRolePolicyDocument',
      'Description',
      'ManagedPolicyArns',
      'MaxSessionDuration',
      'Path',
      'Policies',
      'RoleName',
      'Tags',
    ],
    create({ RoleName, AssumeRolePolicyDocument, Policies = [], ManagedPolicyArns = [] }, stack, logicalId) {
      const name = RoleName ?? `${stack.name}-${logicalId}`;
      const arn = `arn:aws:iam::${stack.accountId}:role/${name}`;
      const statements = [AssumeRolePolicyDocument.Statement].flat();
      const trusted = statements.flatMap(({ Principal }: Properties) => Principal?.Service ?? []);
      if (!trusted.includes('lambda.amazonaws.com'))
        throw new Error('no function of the stack can assume this role');
      const managed = ManagedPolicyArns.map((policyArn: string) => {
        const policy = stack.emulator.managedPolicies.get(policyArn);
        if (!policy) throw new Error(`the sandbox does not have the managed policy \`${policyArn}\``);
        return policy;
      });
      const own = Policies.map(({ PolicyDocument }: Properties) => PolicyDocument);
      const policies = [...own, ...managed];
      // Evaluates each statement once, so that an unsupported condition fails at the start.
      isAllowed(policies, { action: 'sandbox:Read', resource: '*' });
      stack.emulator.roles.set(arn, { arn, policies, usedByLambda: [] });
      return { ref: name, attributes: { Arn: arn, RoleId: 'AROAEXAMPLE' } };
    },
  },

  'AWS::IAM::ManagedPolicy': {
    properties: ['Description', 'ManagedPolicyName', 'Path', 'PolicyDocument'],
    create({ ManagedPolicyName, Path = '/', PolicyDocument }, stack, logicalId) {
      const arn = `arn:aws:iam::${stack.accountId}:policy${Path}${ManagedPolicyName ?? `${stack.name}-${logicalId}`}`;
      stack.emulator.managedPolicies.set(arn, PolicyDocument);
      return { ref: arn, attributes: { PolicyArn: arn } };
    },
  },

  // The deployment bucket of Serverless; the sandbox reads the same files from the package folder.
  'AWS::S3::Bucket': {
    properties: [
      'BucketEncryption',
      'BucketName',
      'PublicAccessBlockConfiguration',
      'Tags',
      'VersioningConfiguration',
    ],
    create: (_, stack, logicalId) => {
      const name = `${stack.name}-${logicalId}`.toLowerCase();
      return { ref: name, attributes: { Arn: `arn:aws:s3:::${name}` } };
    },
  },

  'AWS::S3::BucketPolicy': {
    properties: ['Bucket', 'PolicyDocument'],
    create: (_, __, logicalId) => ({ ref: logicalId }),
  },
};

/** An existing table of an earlier start stays as it is. */
function rethrowUnlessExists(error: unknown) {
  const alreadyExists =
    error instanceof AwsError &&
    (error.code === 'ResourceInUseException' || /TimeToLive is already/.test(error.message));
  if (!alreadyExists) throw error;
}
