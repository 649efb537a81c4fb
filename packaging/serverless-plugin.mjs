import { stageForm, stagePattern } from '../lib/stage.mjs';
import { bundle } from './bundle.mjs';
import { dropImpliedDependencies } from './implied-dependencies.mjs';

/** Bundles each function on its own before `serverless package` and `serverless deploy` zip it, and tidies the template. */
export default class Packaging {
  constructor(serverless, _options, { log }) {
    const { service } = serverless;
    const bundleAll = async () => {
      await Promise.all(service.getAllFunctions().map((name) => bundleOne(name, service.getFunction(name))));
      log.notice(`bundled ${service.getAllFunctions().length} functions`);
    };
    this.hooks = {
      'before:package:initialize': () => {
        requireStage(service.provider.stage, serverless.classes.Error);
        requireTableWithItsStream(service.resources.Parameters, serverless.classes.Error);
      },
      'before:package:createDeploymentArtifacts': bundleAll,
      'before:deploy:function:packageFunction': bundleAll,
      'after:aws:package:finalize:mergeCustomProviderResources': () =>
        dropImpliedDependencies(service.provider.compiledCloudFormationTemplate.Resources),
    };
  }
}

async function bundleOne(name, definition) {
  const folder = `.build/${name}`;
  await bundle(definition.handler.replace(/\.handler$/, '.ts'), `${folder}/index.js`);
  definition.handler = `${folder}/index.handler`;
  definition.package = { patterns: [`${folder}/index.js`] };
}

/** The command line and the functions take no other. */
function requireStage(stage, ServerlessError) {
  if (!stagePattern.test(stage))
    throw new ServerlessError(`${stageForm} \`${stage}\` is none.`, 'STAGE_OF_ANOTHER_FORM');
}

/** With one of them alone linkgate would go on with another table than was meant. */
function requireTableWithItsStream({ table, tableStreamArn }, ServerlessError) {
  if ((table.Default === '') !== (tableStreamArn.Default === ''))
    throw new ServerlessError(
      'name both, --param="table=…" and --param="tableStreamArn=…", or neither',
      'TABLE_WITHOUT_STREAM',
    );
}
