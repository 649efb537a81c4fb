import { findTable, protectTable, runningStack } from './running-stack.mjs';
import { diffSettings, settingsFile } from './stage-settings.mjs';

/**
 * A deployment, before or after it runs.
 * @typedef {object} Deployment
 * @property {string} stage
 * @property {string} stackName
 * @property {string} region
 * @property {object} config of AWS clients
 * @property {Readonly<Record<string, {Default?: string}>>} parameters of the template
 */

/**
 * Compares a deployment with the running stack.
 * @param {Deployment} deployment
 * @param {readonly string[]} allowedChanges the settings that may change
 * @throws {Error} if it would change another setting, or if the table exists without a stack
 */
export async function refuseDestructiveChanges(deployment, allowedChanges) {
  const stack = await runningStack(deployment.config, deployment.stackName);
  const changes = diffSettings(stack?.parameters ?? {}, deployment.parameters);
  const unnamed = changes.filter(({ name }) => !allowedChanges.includes(name));
  if (unnamed.length > 0) throw new Error(refusalText(unnamed, allowedChanges, deployment));
  if (createsTable(deployment) && !ownsTable(stack, deployment)) await requireNoTable(deployment);
}

/**
 * Switches deletion protection of the stack's own table on after a successful deployment. The template does not: if a first deployment
 * failed, CloudFormation could not delete the table, and the next deployment would fail.
 * @param {Deployment} deployment
 */
export async function protectOwnTable(deployment) {
  if (createsTable(deployment)) await protectTable(deployment.config, ownTable(deployment));
}

const ownTable = ({ stage }) => `linkgate-${stage}`;

function createsTable({ parameters }) {
  return parameters.tableStreamArn?.Default === '';
}

function ownsTable(stack, deployment) {
  return stack?.parameters.tableStreamArn === '' && stack.outputs.TableName === ownTable(deployment);
}

function refusalText(changes, allowedChanges, { stage, region }) {
  const formatSettingValue = (value) => (value === '' ? 'nothing' : `\`${value}\``);
  const change = [...allowedChanges, ...changes.map(({ name }) => name)].join(',');
  return [
    'this deployment would change settings of the stack that runs:',
    ...changes.map(
      ({ name, was, becomes }) =>
        `  ${name}: it runs with ${formatSettingValue(was)}, and would with ${formatSettingValue(becomes)}`,
    ),
    `Write into ${settingsFile(stage)} what it is to run with. If the change is meant:`,
    `  npx serverless deploy --stage ${stage} --region ${region} --param="change=${change}"`,
  ].join('\n');
}

async function requireNoTable(deployment) {
  const { stage, region, config } = deployment;
  const name = ownTable(deployment);
  const table = await findTable(config, name);
  if (!table) return;
  const tableArguments = `--region ${region} --table-name ${name}`;
  throw new Error(
    [
      `there is a table ${name} already, left by an earlier stack. To go on with what is in it, write into ${settingsFile(stage)}:`,
      `  table: ${name}`,
      `  tableStreamArn: ${table.LatestStreamArn ?? '…'}`,
      'To begin without what is in it, delete it:',
      `  aws dynamodb update-table ${tableArguments} --no-deletion-protection-enabled`,
      `  aws dynamodb delete-table ${tableArguments}`,
    ].join('\n'),
  );
}
