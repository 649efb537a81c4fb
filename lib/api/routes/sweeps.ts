import type { Context } from 'hono';
import * as v from 'valibot';
import { parseAccountRegion } from '../../locations/account-region.ts';
import { readLocations } from '../../services/registered-services.ts';
import { decodeCursor, encodePageToken } from '../../storage/cursor.ts';
import { findJob, type Job, jobResult, startJob } from '../../sweep/job.ts';
import { ApiError } from '../api-error.ts';
import type { ApiApp, ApiEnv } from '../env.ts';
import { pathParameter } from '../route.ts';

const locationsPerPage = 100;
/** The polling interval of a job, in seconds. */
const jobRetryAfterSeconds = '1';

const JobLocationsCursor = v.object({ seen: v.pipe(v.number(), v.integer(), v.minValue(0)) });

export function sweepsRoutes(app: ApiApp): void {
  app.post('/sweeps', async (context) => {
    const api = context.get('api');
    const locations = await readLocations(api);
    const job = await startJob(api.id(), locations, api.caller, api);
    for (const location of locations)
      await api.sweepQueue.enqueue({ location, scope: 'full', jobId: job.jobId });
    context.header('location', `/jobs/${job.jobId}`);
    return respondWithJob(job, context, 202);
  });
  app.get('/jobs/:jobId', async (context) => {
    const job = await findJob(pathParameter(context, 'jobId'), context.get('api').table);
    if (!job) throw new ApiError(404, 'UnknownJob', 'there is no such job; a job expires after a day');
    return respondWithJob(job, context, 200);
  });
}

/** Responds with the job and a page of its results by location. */
function respondWithJob(job: Job, context: Context<ApiEnv>, status: 200 | 202): Response {
  const token = context.req.query('nextToken');
  const list = `job ${job.jobId}`;
  const { seen } = token === undefined ? { seen: 0 } : decodeCursor(list, token, JobLocationsCursor);
  const end = seen + locationsPerPage;
  const names = Object.keys(job.locations).sort();
  const locations = names
    .slice(seen, end)
    .map((name) => ({ ...parseAccountRegion(name), result: job.locations[name] }));
  if (job.status === 'running') context.header('retry-after', jobRetryAfterSeconds);
  return context.json(
    {
      job: jobView(job),
      locations,
      ...(end < names.length && { nextToken: encodePageToken(list, { seen: end }) }),
    },
    status,
  );
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
