import { type Check, type CheckOutput, fail, pass } from '../checks/check.ts';
import { verifyTrailSample } from '../inspection/verify-audit.ts';
import type { Table } from '../storage/table.ts';

export interface AuditCheckDeps {
  readonly table: Table;
  readonly random: () => number;
}

const trailSampleSize = 20;

/** Verifies a random sample of trails. `linkgate audit verify` verifies all of them. */
export const auditChecks: readonly Check<AuditCheckDeps>[] = [
  { id: 'audit-trails', title: 'the audit trails are unbroken', run: checkTrailSample },
];

async function checkTrailSample({ table, random }: AuditCheckDeps): Promise<CheckOutput> {
  const { verified, broken } = await verifyTrailSample(trailSampleSize, random, table);
  const [first] = broken;
  const count = verified + broken.length;
  const sampleText = count < trailSampleSize ? 'all of them' : 'a random sample';
  if (!first) return pass(`unbroken audit trails: ${count}, ${sampleText}`);
  const { endpointId, sequence, problem } = first;
  return fail(
    `broken audit trails: ${broken.length} of ${count}, ${sampleText}; for example entry ${sequence} of ${endpointId}: ${problem}`,
    'linkgate audit verify\nlists all of them. The log of the writing function has the hashes of the original entries, the table can be restored to an earlier time under another name, and CloudTrail shows who wrote to it',
  );
}
