/**
 * Removes each `DependsOn` that a reference implies: CloudFormation follows references, and linters warn about duplicates.
 * @param {Record<string, {DependsOn?: string | string[], Properties?: unknown}>} resources changed in place
 */
export function dropImpliedDependencies(resources) {
  for (const resource of Object.values(resources)) {
    if (resource.DependsOn === undefined) continue;
    const properties = JSON.stringify(resource.Properties ?? {});
    const needed = [resource.DependsOn].flat().filter((id) => !refersTo(properties, id));
    if (needed.length > 0) resource.DependsOn = needed;
    else delete resource.DependsOn;
  }
}

function refersTo(properties, id) {
  return properties.includes(`{"Ref":"${id}"}`) || properties.includes(`{"Fn::GetAtt":["${id}",`);
}
