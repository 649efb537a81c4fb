import type { NormalizedSchema } from '@smithy/core/schema';
import { formatTimestamp } from './timestamp.ts';

/** Returns an element named `tag`, or an empty text without a value. Flat lists and maps repeat the tag. */
export function toXml(schema: NormalizedSchema, value: unknown, tag: string): string {
  if (value === undefined || value === null) return '';
  const isFlat = Boolean(schema.getMergedTraits().xmlFlattened);
  if (schema.isListSchema()) {
    const member = schema.getValueSchema();
    const name = isFlat ? tag : xmlName(member, 'member');
    const elements = (value as unknown[]).map((element) => toXml(member, element, name)).join('');
    return isFlat ? elements : element(tag, elements);
  }
  if (schema.isMapSchema()) {
    const keyName = xmlName(schema.getKeySchema(), 'key');
    const valueName = xmlName(schema.getValueSchema(), 'value');
    const entries = Object.entries(value).map(([key, entry]) =>
      element(
        isFlat ? tag : 'entry',
        element(keyName, escapeXml(key)) + toXml(schema.getValueSchema(), entry, valueName),
      ),
    );
    return isFlat ? entries.join('') : element(tag, entries.join(''));
  }
  if (schema.isStructSchema()) return element(tag, membersToXml(schema, value));
  return element(tag, escapeXml(scalarToText(schema, value)));
}

/** Returns the elements of a structure's members without an enclosing element. */
export function membersToXml(schema: NormalizedSchema, value: object): string {
  const members = value as Readonly<Record<string, unknown>>;
  return [...schema.structIterator()]
    .map(([name, member]) => toXml(member, members[name], xmlName(member, name)))
    .join('');
}

export function escapeXml(text: string): string {
  return text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}

function element(tag: string, content: string): string {
  return `<${tag}>${content}</${tag}>`;
}

function scalarToText(schema: NormalizedSchema, value: unknown): string {
  if (value instanceof Date) return String(formatTimestamp(value, schema, 'text'));
  if (schema.isBlobSchema()) return Buffer.from(value as Uint8Array).toString('base64');
  return String(value);
}

function xmlName(schema: NormalizedSchema, otherwise: string): string {
  return String(schema.getMergedTraits().xmlName ?? otherwise);
}
