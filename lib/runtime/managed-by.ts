import * as v from 'valibot';

/**
 * Which master looks after something in the table: the policy file, a person (Slack, a mail's link or the command line), or another
 * system through the API. Where nothing is said it is a person: older versions knew no other.
 */
export const ManagedBy = v.picklist(['file', 'person', 'api']);
export type ManagedBy = v.InferOutput<typeof ManagedBy>;

export function managerOf({ managedBy = 'person' }: { readonly managedBy?: ManagedBy }): ManagedBy {
  return managedBy;
}
