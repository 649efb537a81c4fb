import { placesOf } from '../../service/registered-services.ts';
import { findJob, type Job, resultOf, startJob } from '../../sweep/job.ts';
import { ApiError } from '../api-error.ts';
import type { ApiApp } from '../env.ts';

export function sweepsRoutes(app: ApiApp): void {
  app.post('/sweeps', async (context) => {
    const api = context.get('api');
    const places = await placesOf(api.table);
    const job = await startJob(api.id(), places, api.caller, api);
    for (const place of places) await api.sweeps.request({ place, pass: 'full', jobId: job.jobId });
    return context.json({ job: viewOfJob(job) }, 202);
  });
  app.get('/jobs/:jobId', async (context) => {
    const job = await findJob(context.req.param('jobId'), context.get('api').table);
    if (!job) throw new ApiError(404, 'UnknownJob', 'there is no such job; a job is forgotten after a day');
    return context.json({ job: viewOfJob(job) });
  });
}

function viewOfJob(job: Job) {
  const { jobId, status, startedAt, startedBy, finishedAt } = job;
  return {
    jobId,
    status,
    startedAt,
    startedBy,
    ...(finishedAt !== undefined && { finishedAt }),
    ...(status === 'succeeded' && { result: resultOf(job) }),
  };
}
