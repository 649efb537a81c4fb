import { isDeepStrictEqual } from 'node:util';
import { AwsError } from '../../aws/aws-service.ts';
import { isAllowed } from '../../iam/policy.ts';
import { type Properties, type ResourceTypes, resourceArn } from '../resource-type.ts';

const tableMembers = ['AttributeDefinitions', 'BillingMode', 'KeySchema'];

export const storageResources: ResourceTypes = {
  'AWS::DynamoDB::Table': {
    properties: [
      ...tableMembers,
      'PointInTimeRecoverySpecification',
      'SSESpecification',
      'StreamSpecification',
      'TableName',
      'TimeToLiveSpecification',
    ],
    async create(properties, stack) {
      const { dynamoDb } = stack.emulator;
      const { TableName, StreamSpecification, TimeToLiveSpecification, PointInTimeRecoverySpecification } =
        properties;
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
    properties: ['Description', 'Name', 'Type', 'Value'],
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
    properties: ['AssumeRolePolicyDocument', 'Policies'],
    create({ AssumeRolePolicyDocument, Policies }, stack, logicalId) {
      const name = `${stack.name}-${logicalId}`;
      const arn = `arn:aws:iam::${stack.accountId}:role/${name}`;
      const statements = [AssumeRolePolicyDocument.Statement].flat();
      const trusted = statements.flatMap(({ Principal }: Properties) => Principal?.Service ?? []);
      if (!trusted.includes('lambda.amazonaws.com'))
        throw new Error('no function of the stack can assume this role');
      const policies = Policies.map(({ PolicyDocument }: Properties) => PolicyDocument);
      // Evaluates each statement once, so that an unsupported condition fails at the start.
      isAllowed(policies, { action: 'sandbox:Read', resource: '*' });
      stack.emulator.roles.set(arn, { arn, policies, usedByLambda: [] });
      return { ref: name, attributes: { Arn: arn, RoleId: 'AROAEXAMPLE' } };
    },
  },

  'AWS::IAM::ManagedPolicy': {
    properties: ['Description', 'ManagedPolicyName', 'PolicyDocument'],
    create({ ManagedPolicyName, PolicyDocument }, stack) {
      const arn = `arn:aws:iam::${stack.accountId}:policy/${ManagedPolicyName}`;
      stack.emulator.managedPolicies.set(arn, PolicyDocument);
      return { ref: arn, attributes: { PolicyArn: arn } };
    },
  },

  // The deployment bucket of Serverless; the sandbox reads the same files from the package folder.
  'AWS::S3::Bucket': {
    properties: ['BucketEncryption'],
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
