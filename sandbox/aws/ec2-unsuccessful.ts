import type { UnsuccessfulItem } from '@aws-sdk/client-ec2';
import type { Refusal } from '../privatelink/model.ts';

/** EC2 reports what failed for one resource inside a successful answer. */
export function unsuccessful(refusals: readonly Refusal[]): { Unsuccessful: UnsuccessfulItem[] } {
  return {
    Unsuccessful: refusals.map(({ resourceId, code, message }) => ({
      ResourceId: resourceId,
      Error: { Code: code, Message: message },
    })),
  };
}
