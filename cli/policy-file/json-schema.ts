import { type JsonSchema, toJsonSchema } from '@valibot/to-json-schema';
import * as v from 'valibot';
import { headerSchema, listSections, namedSections } from './file-schema.ts';

/** The form of policy files as JSON Schema, by which editors complete, explain and check. */
export function policyFileSchema(): JsonSchema {
  const { approvers, services, customers } = namedSections;
  const { allow, block } = listSections;
  const File = v.strictObject({
    ...headerSchema,
    approvers: about(approvers.about, v.record(approvers.name, v.nullable(approvers.part))),
    services: about(services.about, v.record(services.name, v.nullable(services.part))),
    customers: about(customers.about, v.record(customers.name, customers.part)),
    allow: about(allow.about, v.array(allow.part)),
    block: about(block.about, v.array(block.part)),
  });
  return {
    // JSON Schema cannot express all rules, such as the form of names: the command line checks these.
    ...toJsonSchema(File, { errorMode: 'ignore', ignoreActions: ['check', 'raw_check'] }),
    title: 'linkgate policy',
  };
}

/** As it is published. */
export function policyFileSchemaText(): string {
  return `${written(policyFileSchema(), '', 0)}\n`;
}

const widest = 110;

/** As the formatter of this repository writes JSON: a list that fits stands in one line. `used`: what its line has before it. */
function written(value: unknown, indent: string, used: number): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const within = `${indent}  `;
  const broken = (items: readonly string[]) =>
    `\n${items.map((item) => `${within}${item}`).join(',\n')}\n${indent}`;
  if (Array.isArray(value)) {
    const items = value.map((each) => written(each, within, within.length));
    const line = items.join(', ');
    // With its brackets, and a comma after it.
    const isFitting = !line.includes('\n') && used + line.length + 3 <= widest;
    return `[${isFitting ? line : broken(items)}]`;
  }
  const fields = Object.entries(value).map(([name, each]) => {
    const start = `${JSON.stringify(name)}: `;
    return `${start}${written(each, within, within.length + start.length)}`;
  });
  return `{${broken(fields)}}`;
}

/** A list that is empty but for comments is nothing to YAML. */
function about<const Schema extends v.GenericSchema>(description: string, schema: Schema) {
  return v.exactOptional(v.pipe(v.nullable(schema), v.metadata({ description })));
}
