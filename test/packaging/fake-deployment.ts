import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A stack in DescribeStacks: parameters and outputs by name. */
export interface RunningStack {
  readonly parameters: Readonly<Record<string, string>>;
  readonly outputs: Readonly<Record<string, string>>;
}

/** CloudFormation and DynamoDB over HTTP, as far as the Serverless plugin calls them. Other calls fail. */
export async function fakeDeployment() {
  const account = {
    stacks: {} as Record<string, RunningStack>,
    /** Deletion protection by table name. */
    tables: {} as Record<string, boolean>,
    calls: [] as string[],
  };
  const server = createServer(async (request, response) => {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part);
    const body = Buffer.concat(parts).toString();
    const target = request.headers['x-amz-target']?.toString().split('.')[1];
    const form = new URLSearchParams(body);
    const action = target ?? form.get('Action') ?? `${request.method} ${request.url}`;
    account.calls.push(action);
    const { status, type, text } = target
      ? dynamoDb(action, JSON.parse(body))
      : cloudFormation(action, form.get('StackName') ?? '');
    response.writeHead(status, { 'content-type': type }).end(text);
  });

  function dynamoDb(action: string, input: { TableName: string; DeletionProtectionEnabled?: boolean }) {
    const { TableName, DeletionProtectionEnabled } = input;
    const { tables } = account;
    if (!(TableName in tables)) return json(400, { __type: 'ResourceNotFoundException', message: 'none' });
    if (action === 'UpdateTable') tables[TableName] = DeletionProtectionEnabled ?? false;
    const Table = {
      TableName,
      DeletionProtectionEnabled: tables[TableName],
      LatestStreamArn: `arn:aws:dynamodb:us-east-1:111111111111:table/${TableName}/stream/1`,
    };
    return json(200, { Table, TableDescription: Table });
  }

  function cloudFormation(action: string, name: string) {
    const stack = account.stacks[name];
    if (action !== 'DescribeStacks') return refuseRequest(`the fake account stops at ${action}`);
    if (!stack) return refuseRequest(`Stack with id ${name} does not exist`);
    const members = (of: object, key: string, value: string) =>
      Object.entries(of)
        .map(([k, v]) => `<member><${key}>${k}</${key}><${value}>${v}</${value}></member>`)
        .join('');
    return xml(
      200,
      `<DescribeStacksResponse xmlns="http://cloudformation.amazonaws.com/doc/2010-05-15/"><DescribeStacksResult><Stacks><member>
        <StackName>${name}</StackName><StackStatus>UPDATE_COMPLETE</StackStatus>
        <Parameters>${members(stack.parameters, 'ParameterKey', 'ParameterValue')}</Parameters>
        <Outputs>${members(stack.outputs, 'OutputKey', 'OutputValue')}</Outputs>
      </member></Stacks></DescribeStacksResult></DescribeStacksResponse>`,
    );
  }

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    account,
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => new Promise((resolve) => server.close(resolve)),
  };
}

function json(status: number, answer: object) {
  return { status, type: 'application/x-amz-json-1.0', text: JSON.stringify(answer) };
}

function xml(status: number, text: string) {
  return { status, type: 'text/xml', text };
}

function refuseRequest(message: string) {
  return xml(
    400,
    `<ErrorResponse xmlns="http://cloudformation.amazonaws.com/doc/2010-05-15/"><Error><Type>Sender</Type>
      <Code>ValidationError</Code><Message>${message}</Message></Error></ErrorResponse>`,
  );
}
