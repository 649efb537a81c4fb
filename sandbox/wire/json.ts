import type { NormalizedSchema } from '@smithy/core/schema';
import { formatTimestamp, parseTimestamp } from './timestamp.ts';

export function fromJson(schema: NormalizedSchema, json: unknown): unknown {
  return walk(schema, json, (leaf, value) => {
    if (leaf.isTimestampSchema()) return parseTimestamp(value as string | number);
    if (leaf.isBlobSchema()) return Buffer.from(String(value), 'base64');
    return value;
  });
}

export function toJson(schema: NormalizedSchema, output: unknown): unknown {
  return walk(schema, output, (leaf, value) => {
    if (value instanceof Date) return formatTimestamp(value, leaf, 'epoch');
    if (leaf.isBlobSchema()) return Buffer.from(value as Uint8Array).toString('base64');
    return value;
  });
}

/** Walks the members that the schema names. */
function walk(
  schema: NormalizedSchema,
  value: unknown,
  leaf: (schema: NormalizedSchema, value: unknown) => unknown,
): unknown {
  if (value === undefined || value === null) return undefined;
  if (schema.isDocumentSchema()) return value;
  if (schema.isListSchema())
    return (value as unknown[]).map((element) => walk(schema.getValueSchema(), element, leaf));
  if (schema.isMapSchema())
    return Object.fromEntries(
      Object.entries(value).map(([key, entry]) => [key, walk(schema.getValueSchema(), entry, leaf)]),
    );
  if (schema.isStructSchema())
    return Object.fromEntries(
      [...schema.structIterator()].flatMap(([name, member]) => {
        const memberValue = (value as Record<string, unknown>)[name];
        return memberValue === undefined || memberValue === null
          ? []
          : [[name, walk(member, memberValue, leaf)]];
      }),
    );
  return leaf(schema, value);
}
