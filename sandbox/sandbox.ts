import type { AddressInfo } from 'node:net';
import { provider, stackName } from './accounts.ts';
import { type AwsEmulator, createAwsEmulator } from './aws-emulator.ts';
import { type AwsRequests, createAwsRequests } from './aws-requests.ts';
import { type CallLog, createCallLog } from './call-log.ts';
import { createControl } from './control.ts';
import { type DataFolder, openDataFolder } from './data-folder.ts';
import { createSchedules, type Schedules } from './schedules.ts';
import { createSandboxServer, type Handlers } from './server.ts';
import { loadStack } from './stack/load-stack.ts';
import { readPackagedTemplate } from './stack/template.ts';

export interface SandboxOptions {
  /** 0: any free port. */
  readonly port: number;
  /** The folder with the template and the code of the functions, from `serverless package`. */
  readonly packageFolder: string;
  /** Creates the package. It takes long, so it runs after the checks of the port and the folder. */
  readonly makePackage?: () => Promise<void>;
  /** The data folder; default: a temporary one. */
  readonly data?: string | undefined;
  readonly onOutput?: (functionName: string, text: string) => void;
  /** Runs after the deployment of the stack and before the sandbox is ready. */
  readonly prepare?: (sandbox: {
    readonly origin: string;
    readonly emulator: AwsEmulator;
    readonly outputs: Readonly<Record<string, string>>;
  }) => Promise<void>;
}

export interface Sandbox {
  readonly origin: string;
  readonly emulator: AwsEmulator;
  readonly calls: CallLog;
  readonly awsRequests: AwsRequests;
  readonly outputs: Readonly<Record<string, string>>;
  /** Whether the data folder has state of an earlier sandbox. */
  readonly isContinued: boolean;
  stop(): Promise<void>;
}

/** Outputs that Serverless adds itself and that only AWS has: URLs and a bucket. */
const serverlessFolder: readonly string[] = ['ServerlessDeploymentBucketName', 'HttpApiId', 'HttpApiUrl'];

const expiryMs = 10_000;

/** Starts an emulated AWS with linkgate deployed in it. */
export async function startSandbox({
  port,
  packageFolder,
  makePackage,
  data,
  onOutput = () => {},
  prepare,
}: SandboxOptions): Promise<Sandbox> {
  let handlers: Handlers | undefined;
  const server = createSandboxServer(() => handlers);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(port, '127.0.0.1', resolve);
  });
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  let folder: DataFolder | undefined;
  let emulator: AwsEmulator | undefined;

  async function stop() {
    server.close();
    server.closeAllConnections();
    await emulator?.stop();
    folder?.close();
  }

  try {
    folder = openDataFolder(data);
    await makePackage?.();
    const { path, store } = folder;
    emulator = await createAwsEmulator({ origin, folder: path, store, onOutput });
    const { settings } = emulator;
    const isContinued = settings.has('started');
    const calls = createCallLog(store.log('calls'));
    const awsRequests = createAwsRequests(emulator, calls);
    let deployed: { schedules: Schedules; outputs: Readonly<Record<string, string>> } | undefined;
    handlers = {
      emulator,
      awsRequests,
      control: createControl({ emulator, calls, deployed: () => deployed }),
    };

    const template = await readPackagedTemplate(packageFolder);
    const { outputs: all } = await loadStack(template, emulator, {
      ...provider,
      name: stackName,
      packageFolder,
      parameters: { slackApiUrl: `${origin}/slack/api` },
    });
    const outputs = Object.fromEntries(
      Object.entries(all).filter(([name]) => !serverlessFolder.includes(name)),
    );
    emulator.slack.setRequestUrl(outputs.SlackRequestUrl ?? '');
    await emulator.resume();
    await emulator.lambda.warm();
    await prepare?.({ origin, emulator, outputs });
    deployed = { schedules: createSchedules(emulator), outputs };
    startItemExpiry(emulator);
    settings.set('started', true);
    store.flush();
    return { origin, emulator, calls, awsRequests, outputs, isContinued, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** DynamoDB deletes expired items by itself some time after their time to live. */
function startItemExpiry(emulator: AwsEmulator) {
  const { clock, dynamoDb, tableArns } = emulator;
  clock.at(clock.now() + expiryMs, () => {
    Promise.all(tableArns.map((arn) => dynamoDb.expire(arn)))
      .catch((error: Error) => console.error(`expiring items failed: ${error.message}`))
      .finally(() => startItemExpiry(emulator));
  });
}
