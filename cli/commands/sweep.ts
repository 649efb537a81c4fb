import * as v from 'valibot';
import { Job } from '../api-views.ts';
import { CommandError } from '../command-error.ts';
import { keyValues } from '../output.ts';
import type { Session } from '../session.ts';

const JobResponse = v.looseObject({ job: Job });

const pollIntervalMs = 1_000;
/** A Lambda function runs for at most 15 minutes. The next sweep resumes an unfinished one. */
const maxPolls = 900;

export async function sweepConnections(session: Session) {
  const { job } = await session.api.call('POST', ['sweeps'], JobResponse, { body: {} });
  const { result } = await waitForJob(job, session);
  const counts = result ?? {};
  session.output.result(counts, `the sweep is done\n${formatCounts(counts, session)}`);
}

async function waitForJob(job: Job, { api, progress, io }: Session): Promise<Job> {
  let latest = job;
  progress.report(`the sweep ${job.jobId} is running`);
  for (let polls = 0; latest.status === 'running'; polls += 1) {
    if (polls === maxPolls)
      throw new CommandError(
        'failed',
        `the sweep ${job.jobId} has not ended: \`linkgate doctor\` shows whether its message failed, and the log of sweep-connections says why`,
      );
    await io.clock.sleep(pollIntervalMs);
    latest = (await api.call('GET', ['jobs', job.jobId], JobResponse)).job;
  }
  return latest;
}

function formatCounts(counts: Readonly<Record<string, unknown>>, { output }: Session): string {
  return keyValues(
    Object.entries(counts).flatMap(([name, value]) =>
      typeof value === 'number' ? [[labels[name] ?? name, String(value)] as const] : [],
    ),
    output,
  );
}

/** A count of a newer version of linkgate shows its own name. */
const labels: Readonly<Record<string, string>> = {
  described: 'connections that EC2 lists',
  decided: 'requests handed over to be decided',
  changed: 'changes in EC2 that were noticed',
  waiting: 'requests that wait',
  unregistered: 'at services that are not registered',
  unreadable: 'with a record that cannot be read',
  ended: 'deleted in EC2',
  quotasRepaired: 'repaired endpoint quotas',
};
