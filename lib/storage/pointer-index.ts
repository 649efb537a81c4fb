import { isDeepStrictEqual } from 'node:util';
import * as v from 'valibot';
import { keylessEntity, parseEach, type ReadDeps } from './entity.ts';
import type { Item, Key, QueryOptions, Write } from './table.ts';

interface IndexSpec<Source, Of, Entries extends v.ObjectEntries> {
  /** The prefix of the partition key. */
  readonly name: string;
  readonly entries: Entries;
  /** Formats the rest of the partition key. */
  readonly formatPartition: (of: Of) => string;
  /** Builds the pointer to a source item; undefined while the index does not contain it. */
  readonly pointer: (source: Source) => Pointer<Of, Entries> | undefined;
}

interface Pointer<Of, Entries extends v.ObjectEntries> {
  readonly of: Of;
  readonly sk: string;
  readonly target: v.InferOutput<v.ObjectSchema<Entries, undefined>>;
}

/** Creates an index: pointer items that change in the transaction of their source item, so that a list reads one partition. */
export function index<Source, Of, const Entries extends v.ObjectEntries>(
  spec: IndexSpec<Source, Of, Entries>,
) {
  type Target = Pointer<Of, Entries>['target'];
  const pointerEntity = keylessEntity({ ...spec.entries, version: v.number() });
  const read = pointerEntity.read as unknown as (item: Item) => Target;
  const buildItem = pointerEntity.item as unknown as (key: Key, value: object) => Item;
  const partition = (of: Of) => `${spec.name}#${spec.formatPartition(of)}`;

  return {
    /** @throws UnsupportedSchemaVersionError, MalformedItemError */
    read,
    partition,

    /** Builds the writes that update the pointer with its source item. */
    writes(before: Source | undefined, after: Source): Write[] {
      const [was, is] = [before && spec.pointer(before), spec.pointer(after)];
      if (isDeepStrictEqual(was, is)) return [];
      const key = ({ of, sk }: Pointer<Of, Entries>): Key => ({ pk: partition(of), sk });
      const isMoved = was && !(is && isDeepStrictEqual(key(was), key(is)));
      return [
        ...(isMoved ? [{ remove: key(was) }] : []),
        ...(is ? [{ put: buildItem(key(is), { ...is.target, version: 1 }) }] : []),
      ];
    },

    /**
     * Yields the readable targets in the order of the sort key, page by page.
     * @param options.until the last sort key, or a prefix of it.
     */
    async *list(
      of: Of,
      { table, reportError }: ReadDeps,
      { until = '', ...options }: QueryOptions & { readonly until?: string } = {},
    ): AsyncIterable<Target[]> {
      for await (const page of table.query(partition(of), options)) {
        const wanted = page.filter(({ sk }) => sk.slice(0, until.length) <= until);
        const targets = parseEach(wanted, read, reportError);
        if (targets.length > 0) yield targets;
        if (wanted.length < page.length) return;
      }
    },
  };
}
