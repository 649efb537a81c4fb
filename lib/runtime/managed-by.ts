import * as v from 'valibot';

/**
 * The manager of an item: the policy file, a person (Slack, approval link or command line), or another system through the API.
 * The default is a person.
 */
export const ManagedBy = v.picklist(['file', 'person', 'api']);
export type ManagedBy = v.InferOutput<typeof ManagedBy>;

export function effectiveManager({ managedBy = 'person' }: { readonly managedBy?: ManagedBy }): ManagedBy {
  return managedBy;
}
