import { Command } from 'commander';
import * as v from 'valibot';
import { Job } from '../api-views.ts';
import { CommandError } from '../command-error.ts';
import { type CommonOptions, command } from '../options.ts';
import { facts } from '../output.ts';
import type { Open, Session } from '../session.ts';

const Answer = v.looseObject({ job: Job });

const pollEveryMs = 1_000;
/** A function runs 15 minutes at most, and a pass that did not end by then is resumed by the next one. */
const pollAtMost = 900;

export function sweepCommand(open: Open): Command {
  const connections = command(
    'connections',
    'compare every connection in EC2 with what is known, and put right what differs',
  ).action(async (options: CommonOptions) => {
    const session = await open(options);
    const { job } = await session.api.call('POST', ['sweeps'], Answer, { body: {} });
    const { status, result, error, jobId } = await finished(job, session);
    if (status === 'failed') throw new CommandError('failed', `the sweep ${jobId} failed: ${why(error)}`);
    const counts = result ?? {};
    session.output.result(counts, `the sweep is done\n${counted(counts, session)}`);
  });
  return new Command('sweep')
    .description('a pass now, instead of waiting for the schedule')
    .addCommand(connections);
}

async function finished(job: Job, { api, progress, clock }: Session): Promise<Job> {
  let latest = job;
  progress.doing(`the sweep ${job.jobId} is running`);
  for (let polls = 0; latest.status === 'running'; polls += 1) {
    if (polls === pollAtMost)
      throw new CommandError('failed', `the sweep ${job.jobId} has not ended: its function's logs say why`);
    await clock.sleep(pollEveryMs);
    latest = (await api.call('GET', ['jobs', job.jobId], Answer)).job;
  }
  return latest;
}

function why(error: unknown): string {
  if (typeof error === 'string') return error;
  return v.is(v.object({ message: v.string() }), error) ? error.message : 'its logs say why';
}

function counted(counts: Readonly<Record<string, unknown>>, { output }: Session): string {
  return facts(
    Object.entries(counts).flatMap(([label, value]) =>
      typeof value === 'number' ? [[label, String(value)] as const] : [],
    ),
    output,
  );
}
