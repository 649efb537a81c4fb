import { type Api, apiClient } from './api-client.ts';
import { findDeployment } from './deployment.ts';
import type { CommonOptions } from './options.ts';
import { type Output, outputTo } from './output.ts';
import type { Clock, Io } from './process-io.ts';
import type { Progress } from './progress.ts';

/** The dependencies of a valid command. */
export interface Session {
  readonly stage: string;
  readonly api: Api;
  readonly output: Output;
  readonly progress: Progress;
  readonly clock: Clock;
}

/** Finds the deployment that the options select. */
export type OpenSession = (options: CommonOptions) => Promise<Session>;

export function createSessions(io: Io, progress: Progress): OpenSession {
  return async (options) => {
    progress.report('looking for linkgate in SSM');
    const deployment = await findDeployment(options, io);
    progress.report(`waiting for linkgate at ${deployment.apiUrl}`);
    const output = outputTo(io, options.json === true);
    return {
      stage: deployment.stage,
      api: apiClient(deployment, io.clock, output.warn),
      output,
      progress,
      clock: io.clock,
    };
  };
}
