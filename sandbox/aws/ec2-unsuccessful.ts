import type { UnsuccessfulItem } from '@aws-sdk/client-ec2';
import type { Refusal } from '../privatelink/model.ts';

/** EC2 reports the failure of one resource inside a successful response. */
export function unsuccessful(refusals: readonly Refusal[]): { Unsuccessful: UnsuccessfulItem[] } {
  return {
    Unsuccessful: refusals.map(({ resourceId, code, message }) => ({
      ResourceId: resourceId,
      Error: { Code: code, Message: message },
    })),
  };
}
