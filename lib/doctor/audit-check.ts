import { verifyTrailSample } from '../inspection/verify-audit.ts';
import type { Runtime } from '../runtime/runtime.ts';
import type { Table } from '../storage/table.ts';
import { type Check, failed, ok, runChecks } from './check.ts';

export interface AuditCheckDeps extends Pick<Runtime, 'reportError'> {
  readonly table: Table;
  readonly random: () => number;
}

const trailSampleSize = 20;

/** Verifies a random sample of trails. `linkgate audit verify` verifies all of them. */
export function checkAudit(deps: AuditCheckDeps): Promise<Check[]> {
  return runChecks('audit', null, { 'audit-trails': () => checkTrailSample(deps) }, deps);
}

async function checkTrailSample({ table, random }: AuditCheckDeps) {
  const { verified, broken } = await verifyTrailSample(trailSampleSize, random, table);
  const [first] = broken;
  const count = verified + broken.length;
  const sampleText = count < trailSampleSize ? 'all of them' : 'a random sample';
  if (!first) return ok(`unbroken audit trails: ${count}, ${sampleText}`);
  const { endpointId, sequence, problem } = first;
  return failed(
    `broken audit trails: ${broken.length} of ${count}, ${sampleText}; for example entry ${sequence} of ${endpointId}: ${problem}`,
    'linkgate audit verify\nlists all of them. The log of the writing function has the hashes of the original entries, the table can be restored to an earlier time under another name, and CloudTrail shows who wrote to it',
  );
}
