/** The account that linkgate is deployed in, and where. */
export const provider = { accountId: '111111111111', region: 'us-east-1' } as const;

export const stage = 'local';
export const stackName = `linkgate-${stage}`;

export function accountIdFromArn(arn: string): string {
  return arn.split(':')[4] ?? '';
}

/** The last part of an ARN: the name of a queue, topic or function. */
export function nameFromArn(arn: string): string {
  return arn.split(':').at(-1) ?? '';
}
