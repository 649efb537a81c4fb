import type { Context } from 'hono';
import { type ManagedBy, managerOf } from '../runtime/managed-by.ts';

/** The command line says who it is; whoever else calls is another system. */
export function callerIs(context: Context): ManagedBy {
  return context.req.header('user-agent')?.startsWith('linkgate-cli/') ? 'person' : 'api';
}

/** What somebody takes out of the policy file's hands by changing it, so that no apply undoes what was done in an emergency. */
export function overridesPolicyFile(
  before: { readonly managedBy?: ManagedBy } | undefined,
  what: 'entry' | 'group' | 'customer' | 'service',
): string[] {
  return isManagedByFile(before)
    ? [
        `the policy file managed this ${what}: from now on \`linkgate apply\` leaves it as it is, unless told --take-ownership; change the file too`,
      ]
    : [];
}

/** What is gone from the table and not from the file. */
export function revertedByNextApply(
  before: { readonly managedBy?: ManagedBy } | undefined,
  what: 'entry' | 'customer',
): string[] {
  return isManagedByFile(before)
    ? [`the policy file manages this ${what}: the next \`linkgate apply\` puts it back, so take it out there`]
    : [];
}

function isManagedByFile(before: { readonly managedBy?: ManagedBy } | undefined): boolean {
  return before !== undefined && managerOf(before) === 'file';
}
