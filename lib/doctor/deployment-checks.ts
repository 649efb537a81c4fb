import { createGroupCommand, defaultGroup, findGroup, memberCount } from '../approvers/approver-group.ts';
import { type AccountRegion, formatAccountRegion } from '../locations/account-region.ts';
import { type ShowModeDeps, showMode } from '../operations/switch-mode.ts';
import type { Connections } from '../privatelink/connections.ts';
import type { EndpointServices } from '../services/endpoint-services.ts';
import { type Check, type CheckSet, failed, ok, runChecks, warning } from './check.ts';
import type { Deployment } from './deployment.ts';
import { checkSecret } from './secret-check.ts';

export interface DeploymentCheckDeps extends ShowModeDeps {
  readonly deployment: Deployment;
  readonly hub: AccountRegion;
  readonly topicArn: string;
  readonly connectionsClient: (location: AccountRegion) => Connections;
  readonly servicesClient: (location: AccountRegion) => EndpointServices;
  /** The id of the HTTP API that received the request. */
  readonly apiId: string;
}

/** Checks the table, the parameters, the mode and the setup. */
export async function checkDeployment(deps: DeploymentCheckDeps): Promise<Check[]> {
  return runChecks(
    'deployment',
    null,
    {
      ...tableChecks(deps.deployment),
      mode: () => checkMode(deps),
      'api-url': () => checkApiUrl(deps),
      'signing-key': () => checkSecret(signingKey, deps.deployment),
      approvers: () => checkDefaultGroup(deps),
      ec2: () => checkEc2Access(deps),
    },
    deps,
  );
}

const signingKey = {
  name: 'links/signing-key',
  label: 'signing key of approval links',
  remedy: 'linkgate setup',
};

/** Checks the table. A restored table has no stream, no time to live and no point-in-time recovery. */
function tableChecks(deployment: Deployment): CheckSet {
  const { tableName: name } = deployment;
  const state = memoize(() => deployment.table());
  const update = (subcommand: string, options: string) =>
    `aws dynamodb ${subcommand} --table-name ${name} ${options}`;
  return {
    table: async () => {
      const { status } = await state();
      return status === 'ACTIVE'
        ? ok(`${name} is active`)
        : failed(`${name} is ${status}`, 'wait until it is active; linkgate decides nothing until then');
    },
    'table-stream': async () => {
      const { stream } = await state();
      return stream === 'NEW_AND_OLD_IMAGES'
        ? ok('linkgate reacts to policy changes at once')
        : failed(
            'the table has no stream of new and old images, so only the sweep finds policy changes',
            `${update('update-table', '--stream-specification StreamEnabled=true,StreamViewType=NEW_AND_OLD_IMAGES --query TableDescription.LatestStreamArn')}\nwrite \`table: ${name}\` and \`tableStreamArn: …\`, the stream that it prints, into stages/${deployment.stage}.yml, and deploy:\nnpx serverless deploy --stage ${deployment.stage} --param="change=table,tableStreamArn"`,
          );
    },
    'table-expiry': async () => {
      const expiresBy = await deployment.readTtlAttribute();
      return expiresBy === 'expiresAt'
        ? ok('DynamoDB deletes expired items')
        : warning(
            'expired items stay in the table',
            update(
              'update-time-to-live',
              '--time-to-live-specification Enabled=true,AttributeName=expiresAt',
            ),
          );
    },
    'table-recovery': async () => {
      return (await deployment.hasPointInTimeRecovery())
        ? ok('the table can be restored to any point in time')
        : warning(
            'the table cannot be restored to a point in time',
            update(
              'update-continuous-backups',
              '--point-in-time-recovery-specification PointInTimeRecoveryEnabled=true',
            ),
          );
    },
  };
}

async function checkMode(deps: DeploymentCheckDeps) {
  const { mode, since, by, reason } = await showMode(deps);
  const why = reason === undefined ? '' : `: ${reason}`;
  if (since === null)
    return failed(
      `the mode is ${mode}${why}`,
      `create the parameter /linkgate/${deps.deployment.stage}/mode and let linkgate's roles read it; \`linkgate mode enforce\` writes it`,
    );
  return mode === 'enforce'
    ? ok(`enforce since ${since}, by ${by}`)
    : warning(
        `observe since ${since}, by ${by}${why}; linkgate does not change EC2`,
        'to let linkgate change EC2:\nlinkgate mode enforce',
      );
}

async function checkApiUrl({ deployment, apiId }: DeploymentCheckDeps) {
  const url = await deployment.apiUrl();
  const remedy = '`npx serverless deploy` writes it';
  if (url === undefined)
    return failed('the parameter is missing, so the command line cannot find linkgate', remedy);
  return url.includes(apiId) ? ok(url) : failed(`the parameter has ${url}, the URL of another API`, remedy);
}

async function checkDefaultGroup({ table }: DeploymentCheckDeps) {
  const group = await findGroup(defaultGroup, table);
  if (!group) return failed(`the approver group ${defaultGroup} does not exist`, 'linkgate setup');
  return memberCount(group) > 0
    ? ok(`the approver group ${defaultGroup} exists`)
    : warning(
        `the approver group ${defaultGroup} has no members`,
        `add its members:\n${createGroupCommand(defaultGroup)}`,
      );
}

/** Checks EC2 permissions even if no service is registered. */
async function checkEc2Access({ hub, connectionsClient, servicesClient }: DeploymentCheckDeps) {
  await Promise.all([
    connectionsClient(hub).page({ state: 'pendingAcceptance' }),
    servicesClient(hub).page(),
  ]);
  return ok(`linkgate can read connections and services of ${formatAccountRegion(hub)}`);
}

function memoize<T>(work: () => Promise<T>): () => Promise<T> {
  let result: Promise<T> | undefined;
  return () => {
    result ??= work();
    return result;
  };
}
