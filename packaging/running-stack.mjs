import { CloudFormationClient, DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import { DescribeTableCommand, DynamoDBClient, UpdateTableCommand } from '@aws-sdk/client-dynamodb';

/**
 * Describes the running stack: parameters and outputs by name; undefined before the first deployment.
 * @param {import('@aws-sdk/client-cloudformation').CloudFormationClientConfig} config
 * @param {string} name
 */
export async function runningStack(config, name) {
  try {
    const { Stacks } = await new CloudFormationClient(config).send(
      new DescribeStacksCommand({ StackName: name }),
    );
    const { Parameters = [], Outputs = [] } = Stacks?.[0] ?? {};
    return {
      parameters: Object.fromEntries(
        Parameters.map(({ ParameterKey, ParameterValue }) => [ParameterKey, ParameterValue]),
      ),
      outputs: Object.fromEntries(Outputs.map(({ OutputKey, OutputValue }) => [OutputKey, OutputValue])),
    };
  } catch (error) {
    // CloudFormation has no specific error code for a missing stack.
    if (error.name === 'ValidationError' && error.message.includes('does not exist')) return undefined;
    throw error;
  }
}

/**
 * Describes a table, with or without a stack; undefined if there is none.
 * @param {import('@aws-sdk/client-dynamodb').DynamoDBClientConfig} config
 * @param {string} TableName
 */
export async function findTable(config, TableName) {
  try {
    return (await new DynamoDBClient(config).send(new DescribeTableCommand({ TableName }))).Table;
  } catch (error) {
    if (error.name === 'ResourceNotFoundException') return undefined;
    throw error;
  }
}

/**
 * @param {import('@aws-sdk/client-dynamodb').DynamoDBClientConfig} config
 * @param {string} TableName
 */
export async function protectTable(config, TableName) {
  const table = await findTable(config, TableName);
  if (!table || table.DeletionProtectionEnabled) return;
  await new DynamoDBClient(config).send(
    new UpdateTableCommand({ TableName, DeletionProtectionEnabled: true }),
  );
}
