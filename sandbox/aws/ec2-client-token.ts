import type { PrivateLinkState } from '../privatelink/model.ts';
import type { OperationContext } from './aws-service.ts';
import { AwsError } from './aws-service.ts';

/** Creates a resource once per `ClientToken`: a second call with the same token returns the same id. */
export function idempotentByClientToken(
  { clientTokens }: PrivateLinkState,
  operation: string,
  input: { readonly ClientToken?: string | undefined },
  { caller }: OperationContext,
  create: () => string,
): string {
  const { ClientToken: token, ...rest } = input;
  if (token === undefined) return create();
  const key = `${caller.accountId} ${caller.region} ${operation} ${token}`;
  const parameters = JSON.stringify(rest);
  const earlier = clientTokens[key];
  if (earlier !== undefined && earlier.parameters !== parameters)
    throw new AwsError(
      'IdempotentParameterMismatch',
      `The client token '${token}' was used before with other parameters`,
    );
  const resourceId = earlier?.resourceId ?? create();
  clientTokens[key] = { parameters, resourceId };
  return resourceId;
}
