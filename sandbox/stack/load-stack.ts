import type { AlarmDefinition } from '../aws/cloudwatch.ts';
import type { AwsEmulator } from '../aws-emulator.ts';
import { type CreatedResource, isTrue, resolve, type Scope } from './intrinsics.ts';
import type { Properties, ResourceType, ResourceTypes, Stack } from './resource-type.ts';
import { httpApiResources } from './resources/http-api.ts';
import { lambdaResources } from './resources/lambda.ts';
import { messagingResources } from './resources/messaging.ts';
import { operationsResources } from './resources/operations.ts';
import { storageResources } from './resources/storage.ts';
import { sortByDependency, type Template, type TemplateResource } from './template.ts';

export interface StackOptions {
  readonly accountId: string;
  readonly region: string;
  readonly name: string;
  readonly packageFolder: string;
  /** Values of the template's parameters; the others keep their defaults. */
  readonly parameters?: Readonly<Record<string, string>>;
}

export interface LoadedStack {
  readonly outputs: Readonly<Record<string, string>>;
}

/** A resource that an earlier start created. */
interface CreatedStackResource {
  readonly type: string;
  readonly properties: Properties;
  readonly made: CreatedResource;
}

const types: ResourceTypes = {
  ...messagingResources,
  ...lambdaResources,
  ...storageResources,
  ...operationsResources,
  ...httpApiResources,
};

/** Creates the resources of the template. An unknown type or property is an error. */
export async function loadStack(
  template: Template,
  emulator: AwsEmulator,
  options: StackOptions,
): Promise<LoadedStack> {
  const alarms: { arn: string; definition: AlarmDefinition }[] = [];
  const storedResources = emulator.store.openMap<CreatedStackResource>(
    `stacks/${options.accountId}/${options.region}/${options.name}`,
  );
  const earlier = new Map(storedResources);
  const stack: Stack = { ...options, emulator, alarms, earlier: (id) => earlier.get(id)?.properties };
  const created = new Map<string, CreatedResource>();
  const scope: Scope = { template, parameters: resolveParameters(template, options), created };
  const applies = ({ Condition }: { readonly Condition?: string }) =>
    Condition === undefined || isTrue(Condition, scope);

  for (const logicalId of sortByDependency(template.Resources)) {
    const resource = template.Resources[logicalId] as TemplateResource;
    if (!applies(resource)) continue;
    try {
      const type = resourceType(resource);
      const properties = (resolve(resource.Properties ?? {}, scope) ?? {}) as Properties;
      requireKnown(properties, type, resource.Type);
      const createdResource = await type.create(properties, stack, logicalId);
      created.set(logicalId, createdResource);
      storedResources.set(logicalId, { type: resource.Type, properties, made: createdResource });
    } catch (cause) {
      const problem = cause instanceof Error ? cause.message : String(cause);
      throw new Error(`\`${logicalId}\`: ${problem}`, { cause });
    }
  }

  const live = new Set([...created.values()].map(physicalId));
  for (const [logicalId, { type, made: resource }] of earlier) {
    if (!created.has(logicalId)) storedResources.delete(logicalId);
    if (!live.has(physicalId(resource))) types[type as keyof ResourceTypes]?.remove?.(resource, stack);
  }

  // Alarms come last: they reference metrics by name, without a dependency in the template.
  for (const { arn, definition } of alarms) emulator.cloudWatch.createAlarm(arn, definition);

  const outputs = Object.entries(template.Outputs ?? {}).filter(([, output]) => applies(output));
  return {
    outputs: Object.fromEntries(outputs.map(([name, { Value }]) => [name, String(resolve(Value, scope))])),
  };
}

/** Prefers the ARN to `Ref`, which may be a URL with another port after a restart. */
function physicalId({ ref, attributes }: CreatedResource): string {
  return attributes?.Arn ?? ref;
}

function resourceType({ Type }: TemplateResource): ResourceType {
  const type = types[Type as keyof ResourceTypes];
  if (!type) throw new Error(`the sandbox does not know the resource type \`${Type}\``);
  return type;
}

function requireKnown(properties: Properties, { properties: supported }: ResourceType, type: string) {
  const unknown = Object.keys(properties).find((name) => !supported.includes(name));
  if (unknown) throw new Error(`the sandbox does not know the property \`${unknown}\` of \`${type}\``);
}

function resolveParameters(
  { Parameters = {} }: Template,
  { accountId, region, parameters = {} }: StackOptions,
) {
  const unknown = Object.keys(parameters).find((parameter) => !(parameter in Parameters));
  if (unknown !== undefined) throw new Error(`the template has no parameter \`${unknown}\``);
  const values = Object.entries(Parameters).map(([parameter, { Default }]) => {
    const value = parameters[parameter] ?? Default;
    if (value === undefined) throw new Error(`the parameter \`${parameter}\` has no default`);
    return [parameter, value] as const;
  });
  return {
    'AWS::AccountId': accountId,
    'AWS::Region': region,
    'AWS::Partition': 'aws',
    'AWS::URLSuffix': 'amazonaws.com',
    ...Object.fromEntries(values),
  };
}
