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
  /** The id of the HTTP API that took the request. */
  readonly apiId: string;
}

/** Table, parameters, mode and set-up: what there is once. */
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

const signingKey = { name: 'links/signing-key', what: 'key that signs links', remedy: 'linkgate setup' };

/** A table that was restored from a backup has neither stream nor expiry nor recovery. */
function tableChecks(deployment: Deployment): CheckSet {
  const { tableName: name } = deployment;
  const state = memoize(() => deployment.table());
  const update = (what: string, options: string) => `aws dynamodb ${what} --table-name ${name} ${options}`;
  return {
    table: async () => {
      const { status } = await state();
      return status === 'ACTIVE'
        ? ok(`${name} is active`)
        : failed(`${name} is ${status}`, 'wait until it is active; nothing is decided meanwhile');
    },
    'table-stream': async () => {
      const { stream } = await state();
      return stream === 'NEW_AND_OLD_IMAGES'
        ? ok('a change of policy is noticed at once')
        : failed(
            'without a stream of new and old images a change of policy is noticed only by the sweep',
            `${update('update-table', '--stream-specification StreamEnabled=true,StreamViewType=NEW_AND_OLD_IMAGES --query TableDescription.LatestStreamArn')}\nwrite \`table: ${name}\` and \`tableStreamArn: …\`, the stream that it prints, into stages/${deployment.stage}.yml, and deploy:\nnpx serverless deploy --stage ${deployment.stage} --param="change=table,tableStreamArn"`,
          );
    },
    'table-expiry': async () => {
      const expiresBy = await deployment.readTtlAttribute();
      return expiresBy === 'expiresAt'
        ? ok('what may vanish does')
        : warning(
            'what may vanish stays in the table',
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
      `it is ${mode}${why}`,
      `see to it that there is a parameter /linkgate/${deps.deployment.stage}/mode and that linkgate's roles may read it; \`linkgate mode enforce\` writes it anew`,
    );
  return mode === 'enforce'
    ? ok(`act since ${since}, by ${by}`)
    : warning(
        `observe since ${since}, by ${by}${why}; nothing is changed in EC2`,
        'where it is to act:\nlinkgate mode enforce',
      );
}

async function checkApiUrl({ deployment, apiId }: DeploymentCheckDeps) {
  const url = await deployment.apiUrl();
  const remedy = '`npx serverless deploy` writes it anew';
  if (url === undefined)
    return failed('the parameter is missing, so that the command line does not find linkgate', remedy);
  return url.includes(apiId) ? ok(url) : failed(`the parameter says ${url}, which is another API`, remedy);
}

async function checkDefaultGroup({ table }: DeploymentCheckDeps) {
  const group = await findGroup(defaultGroup, table);
  if (!group) return failed(`there is no approver group ${defaultGroup}`, 'linkgate setup');
  return memberCount(group) > 0
    ? ok(`there is a group ${defaultGroup}`)
    : warning(
        `the group ${defaultGroup} names nobody`,
        `name the people who decide:\n${createGroupCommand(defaultGroup)}`,
      );
}

/** Also where no service is registered, whose checks would show it. */
async function checkEc2Access({ hub, connectionsClient, servicesClient }: DeploymentCheckDeps) {
  await Promise.all([
    connectionsClient(hub).page({ state: 'pendingAcceptance' }),
    servicesClient(hub).page(),
  ]);
  return ok(`connections and services of ${formatAccountRegion(hub)} can be read`);
}

function memoize<T>(work: () => Promise<T>): () => Promise<T> {
  let result: Promise<T> | undefined;
  return () => {
    result ??= work();
    return result;
  };
}
