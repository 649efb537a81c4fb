import { beforeEach, describe, expect, test } from '@jest/globals';
import { customerEntity, customerKey, listCustomers } from '../../lib/customers/customer.ts';
import { findCustomersByAccount } from '../../lib/customers/customer-by-account.ts';
import { AccountTakenError, removeCustomer, setCustomer } from '../../lib/customers/set-customer.ts';
import { rethrow } from '../../lib/storage/entity.ts';
import type { Table } from '../../lib/storage/table.ts';
import { alice, noon } from '../builders.ts';
import { memoryTable } from '../doubles/memory-table.ts';

let table: Table;
beforeEach(() => {
  table = memoryTable();
});

const deps = () => ({ table, now: () => noon });
const set = (name: string, accounts: readonly string[], more: object = {}) =>
  setCustomer(name, { accounts: [...accounts] }, alice, { ...deps(), ...more });
const account = (number: number) => String(number).padStart(12, '0');
const accounts = (count: number, from = 1) =>
  Array.from({ length: count }, (_, index) => account(from + index));

async function findCustomerNames(...accountIds: readonly string[]): Promise<(string | undefined)[]> {
  const customers = await findCustomersByAccount(accountIds, { table, reportError: () => {} });
  return accountIds.map((accountId) => customers.get(accountId)?.name);
}

describe('an account', () => {
  test('belongs to the customer that lists it, as long as that lists it', async () => {
    await set('initech', [account(1), account(2)]);
    expect(await set('initech', [account(2), account(3), account(3)])).toMatchObject({
      accounts: [account(2), account(3)],
    });
    const names = await findCustomerNames(account(1), account(2), account(3), account(4));
    expect(names).toEqual([undefined, 'initech', 'initech', undefined]);
  });

  test('cannot move to another customer before the first one removes it', async () => {
    await set('initech', [account(1)]);
    await expect(set('globex', [account(1)])).rejects.toThrow(AccountTakenError);
    expect(await customerEntity.find(customerKey('globex'), table)).toBeUndefined();
    await set('initech', [account(2)]);
    await set('globex', [account(1)]);
    expect(await findCustomerNames(account(1))).toEqual(['globex']);
  });

  test('can be exchanged between two customers in one change', async () => {
    await set('initech', [account(1)]);
    await set('globex', [account(2)]);
    const releasingCustomers = new Set(['initech', 'globex']);
    await set('initech', [account(2)], { releasingCustomers });
    await set('globex', [account(1)], { releasingCustomers });
    expect(await findCustomerNames(account(1), account(2))).toEqual(['globex', 'initech']);
  });

  test('has no customer after its customer is removed', async () => {
    await set('initech', [account(1)]);
    expect(await removeCustomer('initech', deps())).toMatchObject({ name: 'initech' });
    expect(await findCustomerNames(account(1))).toEqual([undefined]);
    expect(await removeCustomer('initech', deps())).toBeUndefined();
    await set('globex', [account(1)]);
    expect(await findCustomerNames(account(1))).toEqual(['globex']);
  });
});

test('a customer may have more accounts than fit into one transaction', async () => {
  await set('initech', accounts(250));
  expect(new Set(await findCustomerNames(...accounts(250)))).toEqual(new Set(['initech']));
  await set('initech', accounts(100, 151));
  expect(await findCustomerNames(account(150), account(151))).toEqual([undefined, 'initech']);
});

describe.each([0, 1, 2, 3, 4, 5])('a change that crashes after %d transactions', (survived) => {
  test('assigns no account to a customer that does not list it, and succeeds when repeated', async () => {
    await set('initech', accounts(150));
    let writesLeft = survived;
    const write: Table['write'] = async (writes) => {
      if (writesLeft-- === 0) throw new Error('killed');
      return table.write(writes);
    };
    const change = (on: Table) => set('initech', accounts(150, 101), { table: on });
    await change({ ...table, write }).catch(() => {});
    const [now] = await listCustomers({ table, reportError: rethrow });
    for (const [index, name] of (await findCustomerNames(...accounts(250))).entries())
      expect([undefined, now?.accounts.includes(account(index + 1)) ? 'initech' : undefined]).toContain(name);
    await change(table);
    const names = await findCustomerNames(account(100), account(101), account(250));
    expect(names).toEqual([undefined, 'initech', 'initech']);
    await set('globex', accounts(100));
    expect(await findCustomerNames(account(100))).toEqual(['globex']);
  });
});

test('two concurrent changes of a customer both succeed, and one of them is stored', async () => {
  await Promise.all([set('initech', [account(1)]), set('initech', [account(2)])]);
  const [only, ...otherCustomers] = await listCustomers({ table, reportError: rethrow });
  expect(otherCustomers).toEqual([]);
  expect(await findCustomerNames(...(only?.accounts ?? []))).toEqual(['initech']);
});
