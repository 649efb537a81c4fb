import type { ReadDeps } from '../storage/entity.ts';
import { listCustomers } from './customer.ts';

/** Adds to each row the name of its account's customer, with one Query of the customers. */
export async function withCustomerNames<Row extends object>(
  rows: readonly Row[],
  selectAccountId: (row: Row) => string | undefined,
  deps: ReadDeps,
): Promise<(Row & { readonly customer?: string })[]> {
  if (rows.length === 0) return [];
  const names = new Map(
    (await listCustomers(deps)).flatMap(({ name, accounts }) =>
      accounts.map((accountId) => [accountId, name]),
    ),
  );
  return rows.map((row) => {
    const customer = names.get(selectAccountId(row) ?? '');
    return customer === undefined ? row : { customer, ...row };
  });
}
