import { type JsonSchema, toJsonSchema } from '@valibot/to-json-schema';
import * as v from 'valibot';
import { head, listed, named } from './form.ts';

/** The form of policy files as JSON Schema, by which editors complete, explain and check. */
export function policyFileSchema(): JsonSchema {
  const { approvers, services, customers } = named;
  const { allow, block } = listed;
  const File = v.strictObject({
    ...head,
    approvers: about(approvers.about, v.record(approvers.name, v.nullable(approvers.part))),
    services: about(services.about, v.record(services.name, v.nullable(services.part))),
    customers: about(customers.about, v.record(customers.name, customers.part)),
    allow: about(allow.about, v.array(allow.part)),
    block: about(block.about, v.array(block.part)),
  });
  return {
    // What it cannot say, such as what a name has to be, the command line checks.
    ...toJsonSchema(File, { errorMode: 'ignore', ignoreActions: ['check', 'raw_check'] }),
    title: 'linkgate policy',
  };
}

/** A list that is empty but for comments is nothing to YAML. */
function about<const Schema extends v.GenericSchema>(description: string, schema: Schema) {
  return v.exactOptional(v.pipe(v.nullable(schema), v.metadata({ description })));
}
