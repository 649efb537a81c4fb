import { gunzipSync, gzipSync } from 'node:zlib';
import * as v from 'valibot';
import { keylessEntity, MalformedItemError } from '../storage/entity.ts';
import type { Item, Key } from '../storage/table.ts';

/** A part of a long list of values: compressed JSON within the size limit of an item. */
const chunkEntity = keylessEntity({
  /** Compressed, in base64. */
  packed: v.string(),
  /** Seconds since the epoch, for DynamoDB's TTL. */
  expiresAt: v.number(),
  version: v.number(),
});

/** The number of JSON characters in a part: base64 adds a third, and DynamoDB's limit is 400 KB. */
const maxChunkLength = 250_000;

/** Groups values by the size of their JSON and by their number. A single larger value is a separate group. */
export function chunksBySize<T>(
  values: readonly T[],
  { size, count }: { size: number; count: number },
): T[][] {
  const groups: T[][] = [];
  let [group, groupSize]: [T[], number] = [[], 0];
  for (const value of values) {
    const length = JSON.stringify(value).length;
    if (group.length === count || (group.length > 0 && groupSize + length > size)) {
      groups.push(group);
      [group, groupSize] = [[], 0];
    }
    group.push(value);
    groupSize += length;
  }
  return group.length > 0 ? [...groups, group] : groups;
}

/** Returns the keys of the parts of a series. */
export function chunkKeys(pk: string, series: string, count: number): Key[] {
  return Array.from({ length: count }, (_, index) => ({
    pk,
    sk: `${series}#${String(index).padStart(4, '0')}`,
  }));
}

export function chunkedItems(
  pk: string,
  series: string,
  values: readonly unknown[],
  expiresAt: number,
): Item[] {
  const groups = chunksBySize(values, { size: maxChunkLength, count: 1_000 });
  const keys = chunkKeys(pk, series, groups.length);
  return groups.flatMap((group, index) => {
    const packed = gzipSync(JSON.stringify(group)).toString('base64');
    const key = keys[index];
    return key ? [chunkEntity.item(key, { packed, expiresAt, version: 1 })] : [];
  });
}

/**
 * Reads the values of one part.
 * @throws UnreadableItemError
 */
export function chunkValues<const Schema extends v.GenericSchema>(
  item: Item,
  schema: Schema,
): v.InferOutput<Schema>[] {
  const result = v.safeParse(v.array(schema), unpackChunk(item));
  if (!result.success) throw new MalformedItemError(item, v.summarize(result.issues));
  return result.output;
}

function unpackChunk(item: Item): unknown {
  const { packed } = chunkEntity.read(item);
  try {
    return JSON.parse(gunzipSync(Buffer.from(packed, 'base64')).toString());
  } catch (error) {
    throw new MalformedItemError(item, '`packed` is not zipped JSON', { cause: error });
  }
}
