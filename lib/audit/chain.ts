import { createHash } from 'node:crypto';
import * as v from 'valibot';
import type { Item } from '../storage/table.ts';

/** The newest audit entry of a connection, as its record names it. */
export const AuditHead = v.object({ sequence: v.number(), hash: v.string() });
export type AuditHead = v.InferOutput<typeof AuditHead>;

/** The previous hash of the first entry. */
export const genesisHash = '0'.repeat(64);

/** Hashes all attributes of an entry except its key, its schema version, its version and the hash itself. */
export function hashAuditEntry(item: Item): string {
  const { pk: _pk, sk: _sk, schemaVersion: _schemaVersion, version: _version, hash: _hash, ...entry } = item;
  return createHash('sha256').update(toCanonicalJson(entry)).digest('hex');
}

/** The first entry of an audit trail that differs from its original. */
export interface ChainBreak {
  readonly sequence: number;
  readonly problem: string;
}

/** The state of the trail in the connection record. */
export interface ExpectedHead {
  readonly endpointId: string;
  readonly auditCount: number;
  readonly auditHead?: AuditHead | undefined;
}

/**
 * Finds the first break in the trail of a connection. Takes the stored items, so that it also verifies entries of a newer
 * version.
 */
export function findBreak(
  items: readonly Item[],
  { endpointId, auditCount, auditHead }: ExpectedHead,
): ChainBreak | undefined {
  let head: AuditHead | undefined;
  for (const [index, item] of items.entries()) {
    const sequence = index + 1;
    const problem = findEntryProblem(item, { endpointId, sequence, head });
    if (problem !== undefined) return { sequence, problem };
    if (typeof item.hash === 'string') head = { sequence, hash: item.hash };
  }
  if (items.length < auditCount)
    return { sequence: items.length + 1, problem: `it is missing: ${auditCount} entries were written` };
  if (items.length > auditCount)
    return { sequence: auditCount + 1, problem: `it was added: ${auditCount} entries were written` };
  if (head?.sequence !== auditHead?.sequence || head?.hash !== auditHead?.hash)
    return { sequence: auditCount, problem: 'it is not the newest entry of the connection record' };
  return undefined;
}

function findEntryProblem(
  item: Item,
  expected: { readonly endpointId: string; readonly sequence: number; readonly head: AuditHead | undefined },
): string | undefined {
  const { endpointId, sequence, head } = expected;
  if (item.sequence !== sequence || Number(item.sk) !== sequence)
    return `it is missing or out of order: entry ${item.sequence} is in its place`;
  if (item.endpointId !== endpointId) return `it is an entry of ${item.endpointId}`;
  if (item.hash === undefined) return 'it has no hash';
  if (item.hash !== hashAuditEntry(item)) return 'it was changed after it was written';
  if (item.previousHash !== (head?.hash ?? genesisHash))
    return 'it does not contain the hash of the entry before it';
  return undefined;
}

/** Serializes JSON with sorted keys and without spaces, as in RFC 8785. */
function toCanonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}
