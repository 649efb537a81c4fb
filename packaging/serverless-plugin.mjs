import { stageForm, stagePattern } from '../lib/values/stage.mjs';
import { bundle } from './bundle.mjs';
import { protectOwnTable, refuseDestructiveChanges } from './deployment.mjs';
import { dropImpliedDependencies } from './implied-dependencies.mjs';
import { parseAllowedChanges, readSettings, settingsFile } from './stage-settings.mjs';

/**
 * Bundles each function before `serverless package` and `serverless deploy` zip it, cleans up the template, and
 * refuses a deployment that would lose settings or data.
 */
export default class Packaging {
  /**
   * @param {any} serverless
   * @param {{ readonly param?: readonly string[] }} options
   * @param {{ readonly log: { notice(text: string): void } }} context
   */
  constructor(serverless, { param = [] }, { log }) {
    const { service } = serverless;
    const stage = () => service.provider.stage;
    const settings = () => Object.keys(service.resources.Parameters);
    const change = () => parseAllowedChanges(param, stage(), settings());
    const wrapCheck = (check) => asServerlessError(serverless.classes.Error, check);
    const bundleAll = async () => {
      await Promise.all(service.getAllFunctions().map((name) => bundleOne(name, service.getFunction(name))));
      log.notice(`bundled ${service.getAllFunctions().length} functions`);
    };
    this.hooks = {
      'before:package:initialize': wrapCheck(() => {
        requireStage(stage());
        change();
        log.notice(settingsNotice(stage(), readSettings(serverless.serviceDir, stage(), settings())));
        requireTableWithItsStream(service.resources.Parameters, stage());
      }),
      'before:package:createDeploymentArtifacts': bundleAll,
      'before:deploy:function:packageFunction': bundleAll,
      'after:aws:package:finalize:mergeCustomProviderResources': () =>
        dropImpliedDependencies(service.provider.compiledCloudFormationTemplate.Resources),
      'before:deploy:deploy': wrapCheck(async () => {
        const allowedChanges = change();
        await refuseDestructiveChanges(await readDeployment(serverless), allowedChanges);
      }),
      'after:deploy:deploy': async () => protectOwnTable(await readDeployment(serverless)),
      'before:rollback:initialize': wrapCheck(() => {
        throw new Error(
          'serverless rollback would bring the settings of that day back too: check out that version and deploy it',
        );
      }),
    };
  }
}

/** Serverless prints its own errors as a message, and other errors with their stack. */
function asServerlessError(ServerlessError, check) {
  return async () => {
    try {
      await check();
    } catch (error) {
      throw new ServerlessError(error.message, 'LINKGATE_REFUSED');
    }
  };
}

/** @returns {Promise<import('./deployment.mjs').Deployment>} */
async function readDeployment(serverless) {
  const aws = serverless.getProvider('aws');
  const { stage, compiledCloudFormationTemplate } = serverless.service.provider;
  return {
    stage,
    stackName: aws.naming.getStackName(),
    region: aws.getRegion(),
    config: await aws.getAwsSdkV3Config(),
    parameters: compiledCloudFormationTemplate.Parameters,
  };
}

async function bundleOne(name, definition) {
  const folder = `.build/${name}`;
  await bundle(definition.handler.replace(/\.handler$/, '.ts'), `${folder}/index.js`);
  definition.handler = `${folder}/index.handler`;
  definition.package = { patterns: [`${folder}/index.js`] };
}

/** Refuses a stage name that the command line and the functions do not accept. */
function requireStage(stage) {
  if (!stagePattern.test(stage)) throw new Error(`${stageForm} \`${stage}\` is none.`);
}

function settingsNotice(stage, set) {
  const file = settingsFile(stage);
  if (set === undefined) return `there is no ${file}: every setting has its default`;
  return set.length === 0 ? `${file} sets nothing` : `${file} sets ${set.join(', ')}`;
}

/** With only one of the two settings, linkgate would use another table than intended. */
function requireTableWithItsStream({ table, tableStreamArn }, stage) {
  if ((table.Default === '') !== (tableStreamArn.Default === ''))
    throw new Error(`${settingsFile(stage)}: name both, \`table\` and \`tableStreamArn\`, or neither`);
}
