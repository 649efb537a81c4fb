import type { NormalizedSchema } from '@smithy/core/schema';

// Smithy's timestamp schemas: 4 is the protocol's default.
const httpDate = 6;
const epochSeconds = 7;
const protocolDefault = 4;

export function formatTimestamp(
  date: Date,
  schema: NormalizedSchema,
  byDefault: 'text' | 'epoch',
): string | number {
  const format = Number(schema.getSchema());
  if (format === httpDate) return date.toUTCString();
  if (format === epochSeconds || (format === protocolDefault && byDefault === 'epoch'))
    return date.getTime() / 1000;
  return date.toISOString().replace('.000Z', 'Z');
}

/** Parses epoch seconds, or a date in any of AWS's formats. */
export function parseTimestamp(value: string | number): Date {
  const seconds = Number(value);
  return new Date(Number.isNaN(seconds) ? value : seconds * 1000);
}
