import type { AlarmDefinition } from '../aws/cloudwatch.ts';
import type { AwsEmulator } from '../aws-emulator.ts';
import type { CreatedResource } from './intrinsics.ts';

/** The resolved CloudFormation properties of a resource. The code of each type knows their shape. */
// biome-ignore lint/suspicious/noExplicitAny: properties are JSON whose shape only the resource's type knows.
export type Properties = Readonly<Record<string, any>>;

export interface Stack {
  readonly emulator: AwsEmulator;
  readonly accountId: string;
  readonly region: string;
  readonly name: string;
  /** The folder with the code of the functions. */
  readonly packageFolder: string;
  /** The properties of the resource in the earlier start, if any. */
  readonly earlier: (logicalId: string) => Properties | undefined;
  /** Alarms to create after all other resources. */
  readonly alarms: { readonly arn: string; readonly definition: AlarmDefinition }[];
}

export interface ResourceType {
  /** The properties that the sandbox supports or may ignore. Any other property is an error. */
  readonly properties: readonly string[];
  /** Creates or updates the resource. */
  create(properties: Properties, stack: Stack, logicalId: string): CreatedResource | Promise<CreatedResource>;
  /** Deletes a persisted resource that the template no longer has. */
  remove?(resource: CreatedResource, stack: Stack): void;
}

export type ResourceTypes = Readonly<Record<`AWS::${string}`, ResourceType>>;

export function resourceArn({ region, accountId }: Stack, service: string, resource: string): string {
  return `arn:aws:${service}:${region}:${accountId}:${resource}`;
}

/** Converts a policy that is an object or text to text. */
export function asText(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
