import type { Runtime } from '../runtime/runtime.ts';
import { indexByKey } from '../storage/entity.ts';
import { conflict, retryOnConflict } from '../storage/optimistic-lock.ts';
import { type Table, type Write, writesPerTransaction } from '../storage/table.ts';
import { chunks } from '../values/chunks.ts';
import { type Customer, customerKey, findCustomer, readCustomer } from './customer.ts';
import { type AccountPointer, customerWrites, findAccountPointers } from './customer-by-account.ts';

/** An account belongs to at most one customer. */
export class AccountTakenError extends Error {
  override readonly name = 'AccountTakenError';
  readonly accountId: string;
  readonly customer: string;

  constructor({ accountId, customer }: AccountPointer) {
    super(`account ${accountId} belongs to the customer ${customer}: remove it there first`);
    this.accountId = accountId;
    this.customer = customer;
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
    const before = await findCustomer(name, table);
    const pointers = await findAccountPointers([...accounts, ...(before?.accounts ?? [])], table);
    const conflictingPointers = pointers.filter(
      ({ accountId, customer }) =>
        accounts.includes(accountId) && customer !== name && !releasingCustomers.has(customer),
    );
    const [conflictingPointer] = await selectValidPointers(conflictingPointers, table);
    if (conflictingPointer) throw new AccountTakenError(conflictingPointer);
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
    const before = await findCustomer(name, table);
    if (!before) return undefined;
    const pointers = await findAccountPointers(before.accounts, table);
    return (await writeInTransactions(customerWrites(before, undefined, pointers), table))
      ? before
      : conflict;
  });
}

/** Selects the pointers whose customer lists the account. An interrupted change leaves other pointers. */
async function selectValidPointers(
  pointers: readonly AccountPointer[],
  table: Table,
): Promise<AccountPointer[]> {
  const items = indexByKey(await table.get(pointers.map(({ customer }) => customerKey(customer))));
  return pointers.filter(({ accountId, customer }) => {
    const item = items.find(customerKey(customer));
    return item && readCustomer(item).accounts.includes(accountId);
  });
}

/** Writes in order, in transactions of the maximum size. */
async function writeInTransactions(writes: readonly Write[], table: Table): Promise<boolean> {
  for (const chunk of chunks(writes, writesPerTransaction)) if (!(await table.write(chunk))) return false;
  return true;
}
