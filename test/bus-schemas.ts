import { readdirSync, readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';

const folder = new URL('../events/bus/', import.meta.url);

/** Returns a validator of events by the published schema of their `detail-type`. It returns the problems. */
export function busSchemas() {
  const ajv = new Ajv2020({ allErrors: true });
  formats.default(ajv);
  for (const file of readdirSync(folder).filter((each) => each.endsWith('.schema.json'))) {
    const schema = JSON.parse(readFileSync(new URL(file, folder), 'utf8'));
    ajv.addSchema(schema, schema.title);
  }
  return (event: { readonly 'detail-type': string }): string[] => {
    const name = event['detail-type'];
    if (!ajv.getSchema(name)) return [`\`${name}\` has no schema`];
    return ajv.validate(name, event) ? [] : [`${name}: ${ajv.errorsText()}`];
  };
}
