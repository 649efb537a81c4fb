import { type AllowlistEntry, entryItem, maxNoteLength, nextVersion } from '../allowlist/entry.ts';
import type { PersonDecision, RecordedDecisions } from '../connections/person-decision.ts';
import type { Connection } from '../privatelink/connection.ts';
import type { Write } from '../storage/table.ts';
import { truncateCharacters } from '../values/text.ts';

/** What people's words make of the account's entry at the service, once they close the request: all who approved have to have said so. */
export function buildAllowlistChange(
  { approval, approvals }: RecordedDecisions,
  { serviceId, ownerAccountId, endpointId }: Connection,
  entries: readonly AllowlistEntry[],
  now: Date,
): { readonly entry: AllowlistEntry; readonly write: Write } | undefined {
  if (!approval) return undefined;
  // Who approves in the moment that somebody blocks the account does not lift the block.
  if (approval.decision === 'approve' && entries.some(({ effect }) => effect === 'block')) return undefined;
  const words = approval.decision === 'deny' ? [approval] : (approvals?.decisions ?? [approval]);
  const isWanted = words.every(({ allow, block }) => (approval.decision === 'deny' ? block : allow));
  if (!isWanted) return undefined;
  const before = entries.find((entry) => entry.serviceId === serviceId);
  const [expiresAt] = words.flatMap(({ allow }) => allow?.expiresAt ?? []).sort();
  const entry: AllowlistEntry = {
    serviceId,
    accountId: ownerAccountId,
    effect: approval.decision === 'deny' ? 'block' : 'allow',
    ...(expiresAt !== undefined && { expiresAt }),
    ...(before?.owners && { owners: before.owners }),
    ...(before?.customer !== undefined && { customer: before.customer }),
    ...(before?.roles && approval.decision === 'approve' && { roles: before.roles }),
    managedBy: 'person',
    // Who somebody is stays noted; who decided is in the history.
    note: before?.note ?? noteOf(approval, endpointId),
    changedAt: now.toISOString(),
    changedBy: approval.by,
    version: nextVersion(before?.version, now),
  };
  return { entry, write: { put: entryItem(entry), expected: before?.version ?? 0 } };
}

function noteOf({ decision, reason }: PersonDecision, endpointId: string): string {
  const note = `${decision === 'deny' ? 'denied' : 'approved'} with ${endpointId}`;
  return truncateCharacters(maxNoteLength, reason ? `${note}: ${reason}` : note);
}
