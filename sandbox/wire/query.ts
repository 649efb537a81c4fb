import type { NormalizedSchema } from '@smithy/core/schema';
import { AwsError } from '../aws/aws-service.ts';
import { parseTimestamp } from './timestamp.ts';

/** The naming rules of a query protocol. */
export interface QueryNaming {
  readonly member: (name: string, schema: NormalizedSchema) => string;
  readonly isFlat: (list: NormalizedSchema) => boolean;
}

export const ec2Naming: QueryNaming = {
  member(name, schema) {
    const { ec2QueryName, xmlName } = schema.getMergedTraits() as { ec2QueryName?: string; xmlName?: string };
    return ec2QueryName ?? (xmlName ? xmlName.charAt(0).toUpperCase() + xmlName.slice(1) : name);
  },
  isFlat: () => true,
};

export const awsNaming: QueryNaming = {
  member: (name, schema) => xmlName(schema, name),
  isFlat: (list) => Boolean(list.getMergedTraits().xmlFlattened),
};

interface Parameter {
  value: string | undefined;
  readonly children: Map<string, Parameter>;
}

/** Parses `VpcEndpointId.1=vpce-…&Filter.1.Name=…` by the schema of the operation. Ignores unknown parameters, like AWS. */
export function parseQuery(
  schema: NormalizedSchema,
  parameters: URLSearchParams,
  naming: QueryNaming,
): unknown {
  const root: Parameter = { value: undefined, children: new Map() };
  for (const [name, value] of parameters) childParameter(root, name.split('.')).value = value;
  return parse(schema, root, naming);
}

function childParameter(root: Parameter, path: readonly string[]): Parameter {
  let parameter = root;
  for (const step of path) {
    const next = parameter.children.get(step) ?? { value: undefined, children: new Map() };
    parameter.children.set(step, next);
    parameter = next;
  }
  return parameter;
}

function parse(schema: NormalizedSchema, parameter: Parameter, naming: QueryNaming): unknown {
  if (schema.isListSchema()) {
    const member = schema.getValueSchema();
    return inOrder(listEntries(schema, parameter, xmlName(member, 'member'), naming)).map((element) =>
      parse(member, element, naming),
    );
  }
  if (schema.isMapSchema()) {
    const keyName = xmlName(schema.getKeySchema(), 'key');
    const valueName = xmlName(schema.getValueSchema(), 'value');
    return Object.fromEntries(
      inOrder(listEntries(schema, parameter, 'entry', naming)).flatMap(({ children }) => {
        const key = children.get(keyName)?.value;
        const value = children.get(valueName);
        return key === undefined || !value ? [] : [[key, parse(schema.getValueSchema(), value, naming)]];
      }),
    );
  }
  if (schema.isStructSchema())
    return Object.fromEntries(
      [...schema.structIterator()].flatMap(([name, member]) => {
        const memberParameter = parameter.children.get(naming.member(name, member));
        return memberParameter ? [[name, parse(member, memberParameter, naming)]] : [];
      }),
    );
  return parseScalar(schema, parameter.value ?? '');
}

function listEntries(schema: NormalizedSchema, parameter: Parameter, name: string, naming: QueryNaming) {
  return naming.isFlat(schema) ? parameter : parameter.children.get(name);
}

function inOrder(parameter: Parameter | undefined): Parameter[] {
  return [...(parameter?.children ?? [])].sort(([a], [b]) => Number(a) - Number(b)).map(([, child]) => child);
}

function parseScalar(schema: NormalizedSchema, value: string): unknown {
  if (schema.isBooleanSchema()) return value.toLowerCase() === 'true';
  if (schema.isTimestampSchema()) return parseTimestamp(value);
  if (schema.isBlobSchema()) return Buffer.from(value, 'base64');
  if (!schema.isNumericSchema()) return value;
  const number = Number(value);
  if (value === '' || Number.isNaN(number))
    throw new AwsError('InvalidParameterValue', `Value (${value}) is not a valid number`);
  return number;
}

function xmlName(schema: NormalizedSchema, otherwise: string): string {
  return String(schema.getMergedTraits().xmlName ?? otherwise);
}
