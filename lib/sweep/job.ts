import * as v from 'valibot';
import { sumOf } from '../connection/observe.ts';
import type { Invocation } from '../invocation.ts';
import { type Place, placeName } from '../place.ts';
import { lost, untilWon } from '../table/contention.ts';
import { aDayAfter } from '../table/expiry.ts';
import { itemKind, leftOut } from '../table/item.ts';
import type { Key, Table } from '../table/table.ts';
import { nothingSwept, SweepResult } from './sweep-connections.ts';

/** Work that a person waits for and that may take longer than a request may. It vanishes a day later. */
export const Job = v.object({
  jobId: v.string(),
  status: v.picklist(['running', 'succeeded']),
  startedAt: v.string(),
  finishedAt: v.exactOptional(v.string()),
  startedBy: v.string(),
  /** By place: its result, once it is done. */
  places: v.record(v.string(), v.nullable(SweepResult)),
  /** Seconds since the epoch, for DynamoDB's TTL. */
  expiresAt: v.number(),
  version: v.number(),
});
export type Job = v.InferOutput<typeof Job>;

const kind = itemKind(Job.entries);
export const readJob = kind.read;

function jobKey(jobId: string): Key {
  return { pk: `JOB#${jobId}`, sk: 'JOB' };
}

export async function startJob(
  jobId: string,
  places: readonly Place[],
  by: string,
  { table, now }: { readonly table: Table } & Invocation,
): Promise<Job> {
  const time = now();
  const job: Job = {
    jobId,
    status: places.length === 0 ? 'succeeded' : 'running',
    startedAt: time.toISOString(),
    startedBy: by,
    places: Object.fromEntries(places.map((place) => [placeName(place), null])),
    expiresAt: aDayAfter(time),
    version: 1,
  };
  await table.write([{ put: kind.item(jobKey(jobId), job), expected: 0 }]);
  return job;
}

export async function findJob(jobId: string, table: Table): Promise<Job | undefined> {
  const [item] = await table.get([jobKey(jobId)]);
  return item && kind.read(item);
}

/** A place is done; the last one finishes the job. A result that comes twice counts once. */
export async function finishPlace(
  jobId: string,
  place: Place,
  result: SweepResult,
  { table, now, report }: { readonly table: Table } & Invocation,
): Promise<void> {
  await untilWon(jobId, async () => {
    const job = await findJob(jobId, table).catch(leftOut(report));
    if (!job || job.places[placeName(place)]) return;
    const places = { ...job.places, [placeName(place)]: result };
    const isFinished = Object.values(places).every((each) => each !== null);
    const after: Job = {
      ...job,
      places,
      ...(isFinished && { status: 'succeeded', finishedAt: now().toISOString() }),
      version: job.version + 1,
    };
    const isWritten = await table.write([{ put: kind.item(jobKey(jobId), after), expected: job.version }]);
    return isWritten ? undefined : lost;
  });
}

/** The results of all places together, as far as they are there. */
export function resultOf({ places }: Job): SweepResult {
  return Object.values(places).reduce<SweepResult>(
    (sum, result) => (result ? sumOf(sum, result) : sum),
    nothingSwept(),
  );
}
