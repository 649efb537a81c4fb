import { type Api, apiClient } from './api-client.ts';
import { findDeployment } from './deployment.ts';
import type { CommonOptions } from './options.ts';
import { type Output, outputTo } from './output.ts';
import type { Clock, Io } from './process-io.ts';
import type { Progress } from './progress.ts';

/** What a command works with once it was called rightly. */
export interface Session {
  readonly stage: string;
  readonly api: Api;
  readonly output: Output;
  readonly progress: Progress;
  readonly clock: Clock;
}

/** Finds the deployment that the options mean. */
export type OpenSession = (options: CommonOptions) => Promise<Session>;

export function createSessions(world: Io, progress: Progress): OpenSession {
  return async (options) => {
    progress.doing('looking for linkgate in SSM');
    const deployment = await findDeployment(options, world);
    progress.doing(`waiting for linkgate at ${deployment.apiUrl}`);
    const output = outputTo(world, options.json === true);
    return {
      stage: deployment.stage,
      api: apiClient(deployment, world.clock, output.warn),
      output,
      progress,
      clock: world.clock,
    };
  };
}
