// Writes the JSON Schema of each event on linkgate's bus: node events/schemas.ts
import { writeFileSync } from 'node:fs';
import { toJsonSchema } from '@valibot/to-json-schema';
import * as v from 'valibot';
import { eventSource } from '../lib/connections/connection-event.ts';
import { busEvents } from '../lib/events/bus-event.ts';

/** `Connection Waiting` is in `bus/connection-waiting.schema.json`, and its sample in `bus/connection-waiting.json`. */
export function schemaFiles(): [file: string, schema: object][] {
  return Object.entries(busEvents).map(([name, { publishedWhen, detail }]) => [
    `bus/${name.toLowerCase().replace(' ', '-')}.schema.json`,
    toJsonSchema(envelope(name, publishedWhen, detail), { target: 'draft-2020-12' }),
  ]);
}

/** Returns the schema of the event as EventBridge delivers it. */
function envelope<Detail extends v.GenericSchema>(name: string, description: string, detail: Detail) {
  const event = v.object({
    version: v.literal('0'),
    id: v.string(),
    source: v.literal(eventSource),
    'detail-type': v.literal(name),
    account: v.string(),
    time: v.pipe(v.string(), v.isoTimestamp()),
    region: v.string(),
    resources: v.array(v.string()),
    detail,
  });
  return v.pipe(event, v.title(name), v.description(description));
}

if (import.meta.main)
  for (const [file, schema] of schemaFiles())
    writeFileSync(new URL(file, import.meta.url), `${JSON.stringify(schema, null, 2)}\n`);
