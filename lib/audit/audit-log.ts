import type { Table } from '../storage/table.ts';
import { auditPartition } from './audit.ts';

/** A log outside the table that stores the hashes, so that linkgate detects a rewritten trail. */
export type AuditLog = (
  entries: readonly { endpointId: unknown; sequence: unknown; hash: unknown }[],
) => void;

/** Wraps the table: the audit log receives the hash of every written audit entry. */
export function withAuditLog(table: Table, auditLog: AuditLog): Table {
  return {
    ...table,
    async write(writes) {
      const isWritten = await table.write(writes);
      const entries = writes.flatMap((write) =>
        'put' in write && write.put.pk.startsWith(auditPartition) ? [write.put] : [],
      );
      if (isWritten && entries.length > 0)
        auditLog(entries.map(({ endpointId, sequence, hash }) => ({ endpointId, sequence, hash })));
      return isWritten;
    },
  };
}
