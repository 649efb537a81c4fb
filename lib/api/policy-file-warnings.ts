import { effectiveManager, type ManagedBy } from '../runtime/managed-by.ts';

/** Warns that the change takes the item over from the policy file, so that no apply reverts an emergency change. */
export function warnPolicyFileOverride(
  before: { readonly managedBy?: ManagedBy } | undefined,
  objectType: 'entry' | 'group' | 'customer' | 'service',
): string[] {
  return isManagedByFile(before)
    ? [
        `the policy file managed this ${objectType}: \`linkgate apply\` no longer changes it without --take-ownership; change the file too`,
      ]
    : [];
}

/** Warns that the policy file still contains the removed item, so that the next apply restores it. */
export function warnNextApplyRestores(
  before: { readonly managedBy?: ManagedBy } | undefined,
  objectType: 'entry' | 'group' | 'customer',
): string[] {
  return isManagedByFile(before)
    ? [
        `the policy file manages this ${objectType}: the next \`linkgate apply\` restores it; remove it from the file too`,
      ]
    : [];
}

function isManagedByFile(before: { readonly managedBy?: ManagedBy } | undefined): boolean {
  return before !== undefined && effectiveManager(before) === 'file';
}
