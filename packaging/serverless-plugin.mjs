import { bundle } from './bundle.mjs';

/** Bundles each function on its own before `serverless package` and `serverless deploy` zip it. */
export default class BundleFunctions {
  constructor(serverless, _options, { log }) {
    const { service } = serverless;
    const bundleAll = async () => {
      await Promise.all(service.getAllFunctions().map((name) => bundleOne(name, service.getFunction(name))));
      log.notice(`bundled ${service.getAllFunctions().length} functions`);
    };
    this.hooks = {
      'before:package:createDeploymentArtifacts': bundleAll,
      'before:deploy:function:packageFunction': bundleAll,
    };
  }
}

async function bundleOne(name, definition) {
  const folder = `.build/${name}`;
  await bundle(definition.handler.replace(/\.handler$/, '.ts'), `${folder}/index.js`);
  definition.handler = `${folder}/index.handler`;
  definition.package = { patterns: [`${folder}/index.js`] };
}
