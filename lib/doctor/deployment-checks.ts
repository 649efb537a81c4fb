import { createGroupCommand, defaultGroup, findGroup, memberCount } from '../approvers/approver-group.ts';
import { type Check, type CheckOutput, fail, pass, warn } from '../checks/check.ts';
import { type AccountRegion, formatAccountRegion } from '../locations/account-region.ts';
import { type ShowModeDeps, showMode } from '../operations/switch-mode.ts';
import type { Connections } from '../privatelink/connections.ts';
import type { EndpointServices } from '../services/endpoint-services.ts';
import type { Deployment } from './deployment.ts';
import { checkSecret } from './secret-check.ts';

export interface DeploymentCheckDeps extends ShowModeDeps {
  readonly deployment: Deployment;
  readonly hub: AccountRegion;
  readonly connectionsClient: (location: AccountRegion) => Connections;
  readonly servicesClient: (location: AccountRegion) => EndpointServices;
  /** The id of the HTTP API that received the request. */
  readonly apiId: string;
}

const signingKey = {
  name: 'links/signing-key',
  label: 'signing key of approval links',
  remedy: 'linkgate setup',
};

/** The checks of the table, the parameters, the mode and the setup. */
export const deploymentChecks: readonly Check<DeploymentCheckDeps>[] = [
  { id: 'table', title: 'the table is active', run: checkTable },
  { id: 'table-stream', title: 'linkgate reacts to policy changes at once', run: checkStream },
  {
    id: 'table-expiry',
    title: 'DynamoDB deletes expired items',
    run: async ({ deployment }) =>
      (await deployment.readTtlAttribute()) === 'expiresAt' ||
      warn(
        'expired items stay in the table',
        `${updateCommand('time-to-live', deployment)} --time-to-live-specification Enabled=true,AttributeName=expiresAt`,
      ),
  },
  {
    id: 'table-recovery',
    title: 'the table can be restored to any point in time',
    run: async ({ deployment }) =>
      (await deployment.hasPointInTimeRecovery()) ||
      warn(
        'the table cannot be restored to a point in time',
        `${updateCommand('continuous-backups', deployment)} --point-in-time-recovery-specification PointInTimeRecoveryEnabled=true`,
      ),
  },
  { id: 'mode', title: 'the mode is enforce', run: checkMode },
  { id: 'api-url', title: 'the parameter has the URL of this API', run: checkApiUrl },
  {
    id: 'signing-key',
    title: 'the parameter exists',
    run: ({ deployment }) => checkSecret(signingKey, deployment),
  },
  { id: 'approvers', title: `the approver group ${defaultGroup} exists`, run: checkDefaultGroup },
  { id: 'ec2', title: 'linkgate can read connections and services', run: checkEc2Access },
];

function updateCommand(what: string, { tableName }: Deployment): string {
  return `aws dynamodb update-${what} --table-name ${tableName}`;
}

async function checkTable({ deployment }: DeploymentCheckDeps): Promise<CheckOutput> {
  const { status } = await deployment.table();
  return status === 'ACTIVE'
    ? pass(`${deployment.tableName} is active`)
    : fail(
        `${deployment.tableName} is ${status}`,
        'wait until it is active; linkgate decides nothing until then',
      );
}

/** Checks the stream, because a restored table has none. */
async function checkStream({ deployment }: DeploymentCheckDeps): Promise<CheckOutput> {
  const { tableName, stage } = deployment;
  return (
    (await deployment.table()).stream === 'NEW_AND_OLD_IMAGES' ||
    fail(
      'the table has no stream of new and old images, so only the sweep finds policy changes',
      `aws dynamodb update-table --table-name ${tableName} --stream-specification StreamEnabled=true,StreamViewType=NEW_AND_OLD_IMAGES --query TableDescription.LatestStreamArn\nwrite \`table: ${tableName}\` and \`tableStreamArn: …\`, the stream that it prints, into stages/${stage}.yml, and deploy:\nnpx serverless deploy --stage ${stage} --param="change=table,tableStreamArn"`,
    )
  );
}

async function checkMode(deps: DeploymentCheckDeps): Promise<CheckOutput> {
  const { mode, since, by, reason } = await showMode(deps);
  const why = reason === undefined ? '' : `: ${reason}`;
  if (since === null)
    return fail(
      `the mode is ${mode}${why}`,
      `create the parameter /linkgate/${deps.deployment.stage}/mode and let linkgate's roles read it; \`linkgate mode enforce\` writes it`,
    );
  return mode === 'enforce'
    ? pass(`enforce since ${since}, by ${by}`)
    : warn(
        `observe since ${since}, by ${by}${why}; linkgate does not change EC2`,
        'to let linkgate change EC2:\nlinkgate mode enforce',
      );
}

async function checkApiUrl({ deployment, apiId }: DeploymentCheckDeps): Promise<CheckOutput> {
  const url = await deployment.apiUrl();
  const remedy = '`npx serverless deploy` writes it';
  if (url === undefined)
    return fail('the parameter is missing, so the command line cannot find linkgate', remedy);
  return url.includes(apiId) ? pass(url) : fail(`the parameter has ${url}, the URL of another API`, remedy);
}

async function checkDefaultGroup({ table }: DeploymentCheckDeps): Promise<CheckOutput> {
  const group = await findGroup(defaultGroup, table);
  if (!group) return fail(`the approver group ${defaultGroup} does not exist`, 'linkgate setup');
  return (
    memberCount(group) > 0 ||
    warn(
      `the approver group ${defaultGroup} has no members`,
      `add its members:\n${createGroupCommand(defaultGroup)}`,
    )
  );
}

/** Checks EC2 permissions even if no service is registered. */
async function checkEc2Access(deps: DeploymentCheckDeps): Promise<CheckOutput> {
  const { hub, connectionsClient, servicesClient } = deps;
  await Promise.all([
    connectionsClient(hub).page({ state: 'pendingAcceptance' }),
    servicesClient(hub).page(),
  ]);
  return pass(`linkgate can read connections and services of ${formatAccountRegion(hub)}`);
}
