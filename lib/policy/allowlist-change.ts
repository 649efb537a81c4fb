import { findBlock } from '../allowlist/effective-entry.ts';
import { type AllowlistEntry, allowlistEntryEntity, maxNoteLength, nextVersion } from '../allowlist/entry.ts';
import type { PersonDecision, RecordedDecisions } from '../connections/person-decision.ts';
import type { Connection } from '../privatelink/connection.ts';
import type { Write } from '../storage/table.ts';
import { truncateCharacters } from '../values/text.ts';

/** Builds the allowlist entry that decisions write when they close the request. Every approval has to ask for it. */
export function buildAllowlistChange(
  { personDecision, approvals }: RecordedDecisions,
  { serviceId, ownerAccountId, endpointId }: Connection,
  entries: readonly AllowlistEntry[],
  now: Date,
): { readonly entry: AllowlistEntry; readonly write: Write } | undefined {
  if (!personDecision) return undefined;
  // An approval does not replace a concurrent block.
  if (personDecision.decision === 'approve' && findBlock(entries)) return undefined;
  const decisions =
    personDecision.decision === 'deny' ? [personDecision] : (approvals?.decisions ?? [personDecision]);
  const isWanted = decisions.every(({ allow, block }) =>
    personDecision.decision === 'deny' ? block : allow,
  );
  if (!isWanted) return undefined;
  const before = entries.find((entry) => entry.serviceId === serviceId);
  const [expiresAt] = decisions.flatMap(({ allow }) => allow?.expiresAt ?? []).sort();
  const entry: AllowlistEntry = {
    serviceId,
    accountId: ownerAccountId,
    effect: personDecision.decision === 'deny' ? 'block' : 'allow',
    ...(expiresAt !== undefined && { expiresAt }),
    ...(before?.owners && { owners: before.owners }),
    ...(before?.customer !== undefined && { customer: before.customer }),
    ...(before?.roles && personDecision.decision === 'approve' && { roles: before.roles }),
    managedBy: 'person',
    // The note describes the account. The history names the deciders.
    note: before?.note ?? decisionNote(personDecision, endpointId),
    changedAt: now.toISOString(),
    changedBy: personDecision.by,
    version: nextVersion(before?.version, now),
  };
  return { entry, write: allowlistEntryEntity.put(entry, before) };
}

function decisionNote({ decision, reason }: PersonDecision, endpointId: string): string {
  const note = `${decision === 'deny' ? 'denied' : 'approved'} with ${endpointId}`;
  return truncateCharacters(maxNoteLength, reason ? `${note}: ${reason}` : note);
}
