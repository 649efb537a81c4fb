import * as v from 'valibot';
import { AccountId } from '../privatelink/connection.ts';
import { entity, type ItemIndex, indexByKey, parseEach, type ReadDeps } from '../storage/entity.ts';
import type { Key, Write } from '../storage/table.ts';
import { type Customer, CustomerName, customerEntity, customerKey, readCustomer } from './customer.ts';
import { deliveryFailureKey } from './delivery-failure.ts';

/** The customer of an account. It is valid only while that customer lists the account. */
export const AccountPointer = v.object({ accountId: AccountId, customer: CustomerName, version: v.number() });
export type AccountPointer = v.InferOutput<typeof AccountPointer>;

const accountPointerEntity = entity(AccountPointer.entries, ({ accountId }) => accountPointerKey(accountId));
export const readAccountPointer = accountPointerEntity.read;

export function accountPointerKey(accountId: string): Key {
  return { pk: `CUSTOMER_BY_ACCOUNT#${accountId}`, sk: 'CUSTOMER' };
}

export async function findAccountPointers(
  accountIds: readonly string[],
  { table, reportError }: ReadDeps,
): Promise<AccountPointer[]> {
  return parseEach(await table.get(accountIds.map(accountPointerKey)), readAccountPointer, reportError);
}

/** @returns the customers by account id. It costs one read if no account has a customer, otherwise two. */
export async function findCustomersByAccount(
  accountIds: readonly string[],
  deps: ReadDeps,
): Promise<ReadonlyMap<string, Customer>> {
  const pointers = await findAccountPointers(accountIds, deps);
  if (pointers.length === 0) return new Map();
  const items = indexByKey(await deps.table.get(pointers.map(({ customer }) => customerKey(customer))));
  return selectCustomersByAccount(pointers, items, deps.reportError);
}

/** Selects the customers of the pointers from the items, by account id. */
export function selectCustomersByAccount(
  pointers: readonly AccountPointer[],
  items: ItemIndex,
  reportError: ReadDeps['reportError'],
): ReadonlyMap<string, Customer> {
  const accountCustomers = pointers.flatMap(({ accountId, customer: name }) => {
    const [customer] = parseEach(items.all([customerKey(name)]), readCustomer, reportError);
    return customer?.accounts.includes(accountId) ? [[accountId, customer] as const] : [];
  });
  return new Map(accountCustomers);
}

/**
 * Builds the writes that replace, create (no `before`) or remove (no `after`) a customer, in an order that the caller may split
 * into transactions. It writes a pointer before the customer that lists its account, and removes it afterwards. An interrupted
 * change therefore leaves only pointers to customers that do not list the account, which linkgate ignores.
 * @param pointers the existing pointers of all accounts of both versions
 */
export function customerWrites(
  before: Customer | undefined,
  after: Customer | undefined,
  pointers: readonly AccountPointer[],
): Write[] {
  const pointersByAccount = new Map(pointers.map((pointer) => [pointer.accountId, pointer]));
  const name = after?.name ?? before?.name ?? '';
  const claims = (after?.accounts ?? []).flatMap((accountId): Write[] => {
    const pointer = pointersByAccount.get(accountId);
    if (pointer?.customer === name) return [];
    const version = (pointer?.version ?? 0) + 1;
    return [accountPointerEntity.put({ accountId, customer: name, version }, pointer)];
  });
  const releases = (before?.accounts ?? []).flatMap((accountId): Write[] => {
    const pointer = pointersByAccount.get(accountId);
    const isPointerKept = after?.accounts.includes(accountId) || pointer?.customer !== name;
    return isPointerKept || !pointer
      ? []
      : [{ remove: accountPointerKey(accountId), expected: pointer.version }];
  });
  const own: Write = after
    ? customerEntity.put(after, before)
    : { remove: customerKey(name), expected: before?.version ?? 0 };
  // SNS may deliver to the new contact.
  return [...claims, own, { remove: deliveryFailureKey(name) }, ...releases];
}
