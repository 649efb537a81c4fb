import { type Api, apiClient } from './api-client.ts';
import { type Deployment, findDeployment } from './deployment.ts';
import type { CommonOptions } from './options.ts';
import { type Output, outputTo } from './output.ts';
import type { Io } from './process-io.ts';
import type { Progress } from './progress.ts';

/** The dependencies of a command. */
export interface Session {
  readonly io: Io;
  readonly api: Api;
  readonly output: Output;
  readonly progress: Progress;
  /** Finds the deployment that the options select. The first request to the API does so too. */
  connect(): Promise<Deployment>;
}

export function createSession(options: CommonOptions, io: Io, progress: Progress): Session {
  const output = outputTo(io, options.json === true);
  let deployment: Promise<Deployment> | undefined;

  async function findSelected(): Promise<Deployment> {
    progress.report('looking for linkgate in SSM');
    const found = await findDeployment(options, io);
    progress.report(`waiting for linkgate at ${found.apiUrl}`);
    return found;
  }

  function connect(): Promise<Deployment> {
    deployment ??= findSelected();
    return deployment;
  }

  return { io, api: apiClient(connect, io.clock, output.warn), output, progress, connect };
}
