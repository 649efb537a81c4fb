import { verifyTrailSample } from '../inspection/verify-audit.ts';
import type { Runtime } from '../runtime/runtime.ts';
import type { Table } from '../storage/table.ts';
import { type Check, failed, ok, runChecks } from './check.ts';

export interface AuditCheckDeps extends Pick<Runtime, 'reportError'> {
  readonly table: Table;
  readonly random: () => number;
}

const trailSampleSize = 20;

/** A few trails, others each time; `linkgate audit verify` reads them all. */
export function checkAudit(deps: AuditCheckDeps): Promise<Check[]> {
  return runChecks('audit', null, { 'audit-trails': () => checkTrailSample(deps) }, deps);
}

async function checkTrailSample({ table, random }: AuditCheckDeps) {
  const { verified, broken } = await verifyTrailSample(trailSampleSize, random, table);
  const [first] = broken;
  const count = verified + broken.length;
  const which = count < trailSampleSize ? 'which are all' : 'chosen at random';
  if (!first) return ok(`trails that are as they were written: ${count}, ${which}`);
  const { endpointId, sequence, problem } = first;
  return failed(
    `trails that are broken: ${broken.length} of ${count}, ${which}; such as entry ${sequence} of ${endpointId}: ${problem}`,
    'linkgate audit verify\nlists them all. What was written is in the log of the function that wrote it, and the table can be restored to another name from before; CloudTrail says who wrote to it',
  );
}
