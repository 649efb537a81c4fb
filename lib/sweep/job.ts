import * as v from 'valibot';
import { type AccountRegion, formatAccountRegion } from '../locations/account-region.ts';
import { addCounts } from '../reconcile/detect-changes.ts';
import { entity, omitUnreadable } from '../storage/entity.ts';
import { conflict, retryOnConflict } from '../storage/optimistic-lock.ts';
import type { Key, Table, TableDeps } from '../storage/table.ts';
import { ttlInDays } from '../storage/ttl.ts';
import { emptySweep, SweepResult } from './sweep.ts';

/** A sweep that a person requested. It may run longer than an API request. DynamoDB deletes it after a day. */
export const Job = v.object({
  jobId: v.string(),
  status: v.picklist(['running', 'succeeded']),
  startedAt: v.string(),
  finishedAt: v.exactOptional(v.string()),
  startedBy: v.string(),
  /** The result by location; null until the sweep of that location ends. */
  locations: v.record(v.string(), v.nullable(SweepResult)),
  /** Seconds since the epoch, for DynamoDB's TTL. */
  expiresAt: v.number(),
  version: v.number(),
});
export type Job = v.InferOutput<typeof Job>;

const jobEntity = entity(Job.entries, ({ jobId }) => jobKey(jobId));
export const readJob = jobEntity.read;

function jobKey(jobId: string): Key {
  return { pk: `JOB#${jobId}`, sk: 'JOB' };
}

export async function startJob(
  jobId: string,
  locations: readonly AccountRegion[],
  by: string,
  { table, now }: TableDeps,
): Promise<Job> {
  const time = now();
  const job: Job = {
    jobId,
    status: locations.length === 0 ? 'succeeded' : 'running',
    startedAt: time.toISOString(),
    startedBy: by,
    locations: Object.fromEntries(locations.map((location) => [formatAccountRegion(location), null])),
    expiresAt: ttlInDays(time, 1),
    version: 1,
  };
  await table.write([jobEntity.put(job)]);
  return job;
}

export function findJob(jobId: string, table: Table): Promise<Job | undefined> {
  return jobEntity.find(jobKey(jobId), table);
}

/** Saves the result of one location. The last location completes the job. Ignores a duplicate result. */
export async function finishLocation(
  jobId: string,
  location: AccountRegion,
  result: SweepResult,
  { table, now, reportError }: TableDeps,
): Promise<void> {
  await retryOnConflict(jobId, async () => {
    const job = await findJob(jobId, table).catch(omitUnreadable(reportError));
    if (!job || job.locations[formatAccountRegion(location)]) return;
    const locations = { ...job.locations, [formatAccountRegion(location)]: result };
    const isFinished = Object.values(locations).every((each) => each !== null);
    const after: Job = {
      ...job,
      locations,
      ...(isFinished && { status: 'succeeded', finishedAt: now().toISOString() }),
      version: job.version + 1,
    };
    return (await table.write([jobEntity.put(after, job)])) ? undefined : conflict;
  });
}

/** Adds up the results of all locations that have one. */
export function jobResult({ locations }: Job): SweepResult {
  return Object.values(locations).reduce<SweepResult>(
    (sum, result) => (result ? addCounts(sum, result) : sum),
    emptySweep(),
  );
}
