import { type JsonSchema, toJsonSchema } from '@valibot/to-json-schema';
import * as v from 'valibot';
import { headerSchema, sections } from './file-schema.ts';

/** Builds the JSON Schema of policy files, with which editors complete, explain and validate. */
export function policyFileSchema(): JsonSchema {
  const { approvers, services, customers, allow, block } = sections;
  const File = v.strictObject({
    ...headerSchema,
    approvers: createSectionSchema(approvers.about, v.record(approvers.name, v.nullable(approvers.part))),
    services: createSectionSchema(services.about, v.record(services.name, v.nullable(services.part))),
    customers: createSectionSchema(customers.about, v.record(customers.name, customers.part)),
    allow: createSectionSchema(allow.about, v.array(allow.part)),
    block: createSectionSchema(block.about, v.array(block.part)),
  });
  return {
    // JSON Schema cannot express every rule, such as the format of names: the command line validates these.
    ...toJsonSchema(File, { errorMode: 'ignore', ignoreActions: ['check', 'raw_check'] }),
    title: 'linkgate policy',
  };
}

/** Formats the schema as published. */
export function policyFileSchemaText(): string {
  return `${formatJson(policyFileSchema(), '', 0)}\n`;
}

const maxWidth = 110;

/**
 * Formats JSON like Biome: a list that fits stays on one line.
 * @param usedWidth the width of the text before the value on its line
 */
function formatJson(value: unknown, indent: string, usedWidth: number): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const innerIndent = `${indent}  `;
  const formatLines = (items: readonly string[]) =>
    `\n${items.map((item) => `${innerIndent}${item}`).join(',\n')}\n${indent}`;
  if (Array.isArray(value)) {
    const items = value.map((each) => formatJson(each, innerIndent, innerIndent.length));
    const line = items.join(', ');
    // Includes the brackets, and a comma after the list.
    const isFitting = !line.includes('\n') && usedWidth + line.length + 3 <= maxWidth;
    return `[${isFitting ? line : formatLines(items)}]`;
  }
  const fields = Object.entries(value).map(([name, each]) => {
    const start = `${JSON.stringify(name)}: `;
    return `${start}${formatJson(each, innerIndent, innerIndent.length + start.length)}`;
  });
  return `{${formatLines(fields)}}`;
}

/** YAML parses a list with only comments as null. */
function createSectionSchema<const Schema extends v.GenericSchema>(description: string, schema: Schema) {
  return v.exactOptional(v.pipe(v.nullable(schema), v.metadata({ description })));
}
