import { isDeepStrictEqual } from 'node:util';
import { AwsError } from '../../aws/aws-service.ts';
import { isAllowed } from '../../iam/policy.ts';
import { type Properties, type ResourceTypes, resourceArn } from '../resource-type.ts';

export const storageResources: ResourceTypes = {
  'AWS::DynamoDB::Table': {
    properties: [
      'AttributeDefinitions',
      'BillingMode',
      'KeySchema',
      'PointInTimeRecoverySpecification',
      'SSESpecification',
      'StreamSpecification',
      'TableName',
      'TimeToLiveSpecification',
    ],
    async create(properties, stack) {
      const { dynamoDb } = stack.emulator;
      const { TableName, TimeToLiveSpecification, PointInTimeRecoverySpecification } = properties;
      const { BillingMode, AttributeDefinitions, KeySchema } = properties;
      const StreamSpecification = { StreamEnabled: true, ...properties.StreamSpecification };
      await dynamoDb
        .call(stack, 'CreateTable', {
          TableName,
          BillingMode,
          AttributeDefinitions,
          KeySchema,
          StreamSpecification,
        })
        .catch(rethrowUnlessExists);
      await dynamoDb
        .call(stack, 'UpdateTimeToLive', { TableName, TimeToLiveSpecification })
        .catch(rethrowUnlessExists);
      await dynamoDb.call(stack, 'UpdateContinuousBackups', { TableName, PointInTimeRecoverySpecification });
      const { Table } = (await dynamoDb.call(stack, 'DescribeTable', { TableName })) as Properties;
      const Arn = resourceArn(stack, 'dynamodb', `table/${TableName}`);
      stack.emulator.tableArns.push(Arn);
      return { ref: TableName, attributes: { Arn, StreamArn: Table.LatestStreamArn } };
    },
  },

  'AWS::SSM::Parameter': {
    properties: ['Description', 'Name', 'Type', 'Value'],
    create(properties, stack, logicalId) {
      const { Name, Value, Type } = properties;
      // CloudFormation does not update a resource whose template is unchanged, even if its value changed since.
      if (!isDeepStrictEqual(stack.earlier(logicalId), properties))
        stack.emulator.ssm.put(stack, { name: Name, value: Value, type: Type });
      return { ref: Name };
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
      return { ref: name, attributes: { Arn: arn } };
    },
  },

  'AWS::IAM::ManagedPolicy': {
    properties: ['Description', 'ManagedPolicyName', 'PolicyDocument'],
    create({ ManagedPolicyName, PolicyDocument }, stack) {
      const arn = `arn:aws:iam::${stack.accountId}:policy/${ManagedPolicyName}`;
      stack.emulator.managedPolicies.set(arn, PolicyDocument);
      return { ref: arn };
    },
  },

  // The deployment bucket of Serverless; the sandbox reads the same files from the package folder.
  'AWS::S3::Bucket': {
    properties: ['BucketEncryption'],
    create: (_, { name }, logicalId) => ({ ref: `${name}-${logicalId}`.toLowerCase() }),
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
