import * as v from 'valibot';
import { parseAccountRegion } from '../../locations/account-region.ts';
import { readLocations } from '../../services/registered-services.ts';
import { decodeCursor, nextPageFields } from '../../storage/cursor.ts';
import { findJob, type Job, jobResult, startJob } from '../../sweep/job.ts';
import { ApiError } from '../api-error.ts';
import type { ApiRequest, Routes } from '../request.ts';

const locationsPerPage = 100;
/** The polling interval of a job, in seconds. */
const jobRetryAfterSeconds = '1';

const JobLocationsCursor = v.object({ seen: v.pipe(v.number(), v.integer(), v.minValue(0)) });

export const sweepsRoutes: Routes = {
  'POST /sweeps': async (request, api) => {
    const locations = await readLocations(api);
    const job = await startJob(api.id(), locations, api.caller, api);
    for (const location of locations)
      await api.sweepQueue.enqueue({ location, scope: 'full', jobId: job.jobId });
    request.setStatus(202);
    request.setHeader('location', `/jobs/${job.jobId}`);
    return respondWithJob(job, request);
  },
  'GET /jobs/{jobId}': async (request, api) => {
    const job = await findJob(request.parameter('jobId'), api.table);
    if (!job) throw new ApiError(404, 'UnknownJob', 'there is no such job; a job expires after a day');
    return respondWithJob(job, request);
  },
};

/** Responds with the job and a page of its results by location. */
function respondWithJob(job: Job, request: ApiRequest): object {
  const list = `job ${job.jobId}`;
  const { seen } = decodeCursor(list, request.nextToken, JobLocationsCursor, { seen: 0 });
  const end = seen + locationsPerPage;
  const names = Object.keys(job.locations).sort();
  const locations = names
    .slice(seen, end)
    .map((name) => ({ ...parseAccountRegion(name), result: job.locations[name] }));
  if (job.status === 'running') request.setHeader('retry-after', jobRetryAfterSeconds);
  const next = end < names.length ? { seen: end } : undefined;
  return { job: jobView(job), locations, ...nextPageFields(list, next) };
}

function jobView(job: Job) {
  const { jobId, status, startedAt, startedBy, finishedAt } = job;
  return {
    jobId,
    status,
    startedAt,
    startedBy,
    ...(finishedAt !== undefined && { finishedAt }),
    ...(status === 'succeeded' && { result: jobResult(job) }),
  };
}
