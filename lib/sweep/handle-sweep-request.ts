import { formatAccountRegion } from '../locations/account-region.ts';
import { omitUnreadable } from '../storage/entity.ts';
import { findJob, finishLocation } from './job.ts';
import { hasSweptSince } from './lease.ts';
import type { SweepDeps } from './sweep.ts';
import { type SweepOutcome, sweepConnections } from './sweep-connections.ts';
import type { SweepQueue, SweepRequest } from './sweep-queue.ts';

export interface HandleSweepDeps extends SweepDeps {
  readonly sweepQueue: SweepQueue;
}

/** The delay before the retry of a request while another sweep runs. */
const retryDelaySeconds = 5;

/**
 * Sweeps the location of a request. Enqueues the request again if the sweep is unfinished or has to wait for a running one.
 * @returns `already-done` if a later sweep has covered the request: SQS may deliver a message twice, and a retry may be a second
 * copy.
 */
export async function handleSweepRequest(
  request: SweepRequest,
  deps: HandleSweepDeps,
): Promise<SweepOutcome | { readonly status: 'already-done' }> {
  if (await isServed(request, deps)) return { status: 'already-done' };
  const { location, scope, jobId, requestedAt } = request;
  const sweep = await sweepConnections(location, scope, deps);
  if (sweep.status === 'unfinished') await deps.sweepQueue.enqueue(request);
  else if (sweep.status === 'already-running' && (requestedAt ?? jobId) !== undefined)
    await deps.sweepQueue.enqueue(request, { afterSeconds: retryDelaySeconds });
  else if (sweep.status === 'done' && jobId !== undefined)
    await finishLocation(jobId, location, sweep.result, deps);
  return sweep;
}

/** Whether a sweep that started after the request has ended. A job also needs its result. */
async function isServed(
  { location, scope, jobId, requestedAt }: SweepRequest,
  deps: HandleSweepDeps,
): Promise<boolean> {
  if (jobId !== undefined) {
    // An unreadable job does not prevent the sweep.
    const job = await findJob(jobId, deps.table).catch(omitUnreadable(deps.reportError));
    return job !== undefined && job.locations[formatAccountRegion(location)] !== null;
  }
  return requestedAt !== undefined && (await hasSweptSince(requestedAt, location, scope, deps));
}
