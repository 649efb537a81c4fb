import * as v from 'valibot';
import { itemKind } from '../table/item.ts';
import type { Table } from '../table/table.ts';

/** The group that services ask unless they name another. */
export const defaultGroup = 'default';

const kind = itemKind({
  name: v.string(),
  /** How many approvals it takes; one denial denies. */
  quorum: v.pipe(v.number(), v.integer(), v.minValue(1)),
  version: v.number(),
});

const groups = 'APPROVERS';

/** @returns whether it was made now; false when it was there. */
export async function makeDefaultGroup(table: Table): Promise<boolean> {
  const item = kind.item({ pk: groups, sk: defaultGroup }, { name: defaultGroup, quorum: 1, version: 1 });
  return table.write([{ put: item, expected: 0 }]);
}

export async function isGroup(name: string, table: Table): Promise<boolean> {
  return (await table.get([{ pk: groups, sk: name }])).length > 0;
}
