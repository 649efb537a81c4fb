import { type AwsService, callerUserId, type OperationContext } from './aws-service.ts';

export const sts: AwsService = {
  signingName: 'sts',
  loadClient: () => import('@aws-sdk/client-sts'),
  protocol: 'awsQuery',
  xmlNamespace: 'https://sts.amazonaws.com/doc/2011-06-15/',
  operations: {
    GetCallerIdentity: (_input: never, { caller }: OperationContext) => ({
      Account: caller.accountId,
      Arn: caller.arn,
      UserId: callerUserId(caller),
    }),
  },
  // GetCallerIdentity needs no permission.
  accesses: () => [],
};
