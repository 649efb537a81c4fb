/** The account and Region of the linkgate deployment. */
export const provider = { accountId: '111111111111', region: 'us-east-1' } as const;

export const stage = 'local';
export const stackName = `linkgate-${stage}`;

export function accountIdFromArn(arn: string): string {
  return arn.split(':')[4] ?? '';
}

/** Returns the last part of an ARN: the name of a queue, topic or function. */
export function nameFromArn(arn: string): string {
  return arn.split(':').at(-1) ?? '';
}
