import type { AlarmDefinition } from '../aws/cloudwatch.ts';
import type { AwsEmulator } from '../aws-emulator.ts';
import type { CreatedResource } from './intrinsics.ts';

/** CloudFormation's properties of one resource, resolved. What is in them differs by type, and each type's own code says what it expects. */
// biome-ignore lint/suspicious/noExplicitAny: properties are JSON whose shape only the resource's type knows.
export type Properties = Readonly<Record<string, any>>;

export interface Stack {
  readonly emulator: AwsEmulator;
  readonly accountId: string;
  readonly region: string;
  readonly name: string;
  /** The folder with the functions' code. */
  readonly packageFolder: string;
  /** The properties with which a resource was last made, where there was one. */
  readonly earlier: (logicalId: string) => Properties | undefined;
  /** Made when all else is there. */
  readonly alarms: { readonly arn: string; readonly definition: AlarmDefinition }[];
}

export interface ResourceType {
  /** What the sandbox understands or knows to make no difference here; any other property is an error. */
  readonly properties: readonly string[];
  /** Makes the resource, or makes what is there so. */
  create(properties: Properties, stack: Stack, logicalId: string): CreatedResource | Promise<CreatedResource>;
  /** Of what outlives a restart: takes away what the template no longer has. */
  remove?(resource: CreatedResource, stack: Stack): void;
}

export type ResourceTypes = Readonly<Record<`AWS::${string}`, ResourceType>>;

export function resourceArn({ region, accountId }: Stack, service: string, resource: string): string {
  return `arn:aws:${service}:${region}:${accountId}:${resource}`;
}

/** Policies are written as objects or as text. */
export function asText(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
