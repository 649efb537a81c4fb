import { GetParameterCommand, paginateGetParametersByPath, SSMClient } from '@aws-sdk/client-ssm';
import { stageForm, stagePattern } from '../lib/values/stage.mjs';
import { CommandError } from './command-error.ts';
import { markControls } from './control-characters.ts';
import type { Io } from './process-io.ts';

/** The selected deployment. */
export interface DeploymentSelector {
  readonly region?: string;
  readonly stage?: string;
}

/** A deployment of linkgate, with the credentials that sign requests to it. */
export interface Deployment {
  readonly stage: string;
  readonly apiUrl: string;
  readonly region: string;
  readonly credentials: SSMClient['config']['credentials'];
  readonly sha256: SSMClient['config']['sha256'];
}

const formatApiUrlParameter = (stage: string) => `/linkgate/${stage}/api-url`;

/** Finds the deployment of the given stage, or the only deployment in the account and Region. */
export async function findDeployment(
  selector: DeploymentSelector,
  { env }: Pick<Io, 'env'>,
): Promise<Deployment> {
  const stage = selector.stage ?? env.LINKGATE_STAGE;
  if (stage && !stagePattern.test(stage))
    throw new CommandError('usageError', `${stageForm} \`${stage}\` is none.`);
  const ssm = await resolveSsmClient(selector.region, env);
  const region = await ssm.config.region();
  try {
    const deployedStage = stage ? await findStage(ssm, stage) : await findOnlyStage(ssm);
    if (deployedStage)
      return { ...deployedStage, region, credentials: ssm.config.credentials, sha256: ssm.config.sha256 };
  } catch (error) {
    throw error instanceof CommandError ? error : lookupError(error, stage, region, env);
  }
  throw new CommandError(
    'failed',
    `there is no linkgate ${stage ? `of the stage ${stage} ` : ''}in ${await describeAccount(ssm)}, Region ${region}: ` +
      'deploy it with `npx serverless deploy`, or say with --region, --stage and your AWS credentials where it is',
    { code: 'NoDeployment' },
  );
}

async function resolveSsmClient(selectedRegion: string | undefined, env: Io['env']): Promise<SSMClient> {
  const ssm = createSsmClient(selectedRegion || env.AWS_REGION || env.AWS_DEFAULT_REGION, env);
  try {
    await ssm.config.region();
    return ssm;
  } catch (cause) {
    if (isSandbox(env)) return createSsmClient('us-east-1', env);
    throw new CommandError(
      'usageError',
      'it is not known which AWS Region to look in: give --region, or set AWS_REGION',
      { cause },
    );
  }
}

/** @param region defaults to the Region of the shared AWS configuration */
function createSsmClient(region: string | undefined, env: Io['env']): SSMClient {
  const isAnonymous = !env.AWS_ACCESS_KEY_ID && !env.AWS_PROFILE;
  return new SSMClient({
    ...(region && { region }),
    // In the sandbox the access key is an account id. Without a key the caller is the provider.
    ...(isSandbox(env) &&
      isAnonymous && { credentials: { accessKeyId: '111111111111', secretAccessKey: 'sandbox' } }),
    requestHandler: { connectionTimeout: 5_000, requestTimeout: 30_000 },
  });
}

/** Whether AWS_ENDPOINT_URL names an emulator on this machine. */
function isSandbox(env: Io['env']): boolean {
  const url = env.AWS_ENDPOINT_URL;
  return url !== undefined && /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(URL.parse(url)?.hostname ?? '');
}

async function findStage(ssm: SSMClient, stage: string) {
  try {
    const { Parameter } = await ssm.send(new GetParameterCommand({ Name: formatApiUrlParameter(stage) }));
    return { stage, apiUrl: markControls(Parameter?.Value ?? '') };
  } catch (error) {
    if (error instanceof Error && error.name === 'ParameterNotFound') return undefined;
    throw error;
  }
}

async function findOnlyStage(ssm: SSMClient) {
  const stages = [];
  for await (const { Parameters = [] } of paginateGetParametersByPath(
    { client: ssm },
    { Path: '/linkgate/', Recursive: true },
  ))
    for (const { Name = '', Value = '' } of Parameters) {
      const stage = Name.split('/')[2] ?? '';
      if (Name === formatApiUrlParameter(stage))
        stages.push({ stage: markControls(stage), apiUrl: markControls(Value) });
    }
  if (stages.length > 1)
    throw new CommandError(
      'usageError',
      `several stages of linkgate are here: ${stages.map(({ stage }) => stage).join(', ')}; say which with --stage or LINKGATE_STAGE`,
    );
  return stages[0];
}

function lookupError(
  cause: unknown,
  stage: string | undefined,
  region: string,
  env: Io['env'],
): CommandError {
  const { name, code } = cause as Error & { code?: string };
  const message = markControls((cause as Error).message);
  const fail = (text: string, errorCode?: string) =>
    new CommandError('failed', text, { cause, ...(errorCode && { code: errorCode }) });
  if (code === 'ECONNREFUSED' && isSandbox(env))
    return fail(
      `nothing answers at ${env.AWS_ENDPOINT_URL}: is the sandbox running? Start it with \`npm start\``,
      'Unreachable',
    );
  if (name === 'CredentialsProviderError')
    return fail(
      'there are no AWS credentials: set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; for the sandbox set AWS_ENDPOINT_URL',
      'NoCredentials',
    );
  if (name === 'AccessDeniedException')
    return fail(
      stage
        ? `these credentials may not read where linkgate is: they need ssm:GetParameter on ${formatApiUrlParameter(stage)} (${message})`
        : `these credentials may not look which stages of linkgate there are: say which with --stage or LINKGATE_STAGE (${message})`,
      'AccessDenied',
    );
  return fail(`could not look up linkgate in SSM, Region ${region}: ${message || name}`);
}

async function describeAccount(ssm: SSMClient): Promise<string> {
  const { GetCallerIdentityCommand, STSClient } = await import('@aws-sdk/client-sts');
  const { region, credentials } = ssm.config;
  try {
    const { Account } = await new STSClient({ region, credentials }).send(new GetCallerIdentityCommand());
    return `account ${Account}`;
  } catch {
    // The account id only completes the message of an error that the caller throws anyway.
    return 'the account of these credentials';
  }
}
