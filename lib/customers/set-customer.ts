import type { Runtime } from '../runtime/runtime.ts';
import { indexByKey, rethrow } from '../storage/entity.ts';
import { conflict, retryOnConflict } from '../storage/optimistic-lock.ts';
import { type Table, type Write, writesPerTransaction } from '../storage/table.ts';
import { chunks } from '../values/chunks.ts';
import { type Customer, customerEntity, customerKey } from './customer.ts';
import { customerWrites, findAccountPointers, selectCustomersByAccount } from './customer-by-account.ts';

/** An account belongs to at most one customer. */
export class AccountTakenError extends Error {
  override readonly name = 'AccountTakenError';

  constructor(accountId: string, customer: string) {
    super(`account ${accountId} belongs to the customer ${customer}: remove it there first`);
  }
}

/** The settings of a customer that a person or a policy file sets. */
export type CustomerSettings = Omit<Customer, 'name' | 'changedAt' | 'changedBy' | 'version'>;

interface SetCustomerDeps extends Pick<Runtime, 'now'> {
  readonly table: Table;
  /** The customers that release accounts in the same change. Default: none. */
  readonly releasingCustomers?: ReadonlySet<string>;
}

/**
 * Creates a customer, or replaces its whole item. Idempotent, even after a crash.
 * @throws AccountTakenError, OptimisticLockError
 */
export function setCustomer(
  name: string,
  settings: CustomerSettings,
  by: string,
  { table, now, releasingCustomers = new Set() }: SetCustomerDeps,
): Promise<Customer> {
  const accounts = [...new Set(settings.accounts)];
  return retryOnConflict(name, async () => {
    const before = await customerEntity.find(customerKey(name), table);
    const strict = { table, reportError: rethrow };
    const pointers = await findAccountPointers([...accounts, ...(before?.accounts ?? [])], strict);
    const others = pointers.filter(
      ({ accountId, customer }) =>
        accounts.includes(accountId) && customer !== name && !releasingCustomers.has(customer),
    );
    const items = indexByKey(await table.get(others.map(({ customer }) => customerKey(customer))));
    for (const [accountId, owner] of selectCustomersByAccount(others, items, rethrow))
      throw new AccountTakenError(accountId, owner.name);
    const after: Customer = {
      ...settings,
      name,
      accounts,
      changedAt: now().toISOString(),
      changedBy: by,
      version: (before?.version ?? 0) + 1,
    };
    return (await writeInTransactions(customerWrites(before, after, pointers), table)) ? after : conflict;
  });
}

/**
 * @returns the removed customer, undefined if there was none.
 * @throws OptimisticLockError
 */
export function removeCustomer(
  name: string,
  { table }: Pick<SetCustomerDeps, 'table'>,
): Promise<Customer | undefined> {
  return retryOnConflict(name, async () => {
    const before = await customerEntity.find(customerKey(name), table);
    if (!before) return undefined;
    const pointers = await findAccountPointers(before.accounts, { table, reportError: rethrow });
    return (await writeInTransactions(customerWrites(before, undefined, pointers), table))
      ? before
      : conflict;
  });
}

/** Writes in order, in transactions of the maximum size. */
async function writeInTransactions(writes: readonly Write[], table: Table): Promise<boolean> {
  for (const chunk of chunks(writes, writesPerTransaction)) if (!(await table.write(chunk))) return false;
  return true;
}
