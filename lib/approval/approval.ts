import * as v from 'valibot';

/** A person's word on a request. It closes the request: there is never a second one. */
export const Approval = v.object({
  decision: v.picklist(['approve', 'deny']),
  /** The authenticated caller: an IAM ARN. */
  by: v.string(),
  /** ISO 8601 */
  at: v.string(),
  reason: v.exactOptional(v.string()),
});
export type Approval = v.InferOutput<typeof Approval>;
