import type { Table } from '../storage/table.ts';
import { auditPartition } from './audit.ts';

/** Somebody beside the table who keeps the hashes, so that who rewrites a whole trail there still shows. */
export type AuditLog = (
  entries: readonly { endpointId: unknown; sequence: unknown; hash: unknown }[],
) => void;

/** The table, with every audit entry that is written told to a witness. */
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
