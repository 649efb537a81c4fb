import * as v from 'valibot';
import type { Expiry } from '../../lib/allowlist/parse-expiry.ts';
import { Customer } from '../api-views.ts';
import { resolveExpiresAt } from '../expiry.ts';
import { formatChange, formatFileManager, keyValues, type Output, table, time } from '../output.ts';
import type { Session } from '../session.ts';

const CustomerResponse = v.looseObject({ customer: Customer });
/** `customer` is absent if an earlier try removed it. */
const RemovalResponse = v.partial(CustomerResponse);

interface SetOptions {
  readonly account: readonly string[];
  readonly contactEmail?: string;
  readonly contactTopic?: string;
  readonly owner?: readonly string[];
  readonly contractEnds?: Expiry;
}

export async function setCustomer({ api, output }: Session, name: string, options: SetOptions) {
  const { account, owner, contractEnds } = options;
  const { customer } = await api.call('PUT', ['customers', name], CustomerResponse, {
    body: {
      accounts: account,
      contact: buildContact(options),
      owners: owner,
      contractEndsAt: contractEnds && resolveExpiresAt(contractEnds, await api.now()),
    },
  });
  output.result({ customer }, formatCustomerTable([customer], output));
}

function buildContact({ contactEmail: email, contactTopic: topicArn }: SetOptions) {
  if (email !== undefined) return { email };
  return topicArn === undefined ? undefined : { topicArn };
}

export async function listCustomers({ api, output }: Session) {
  const customers = await api.list(['customers'], 'customers', Customer);
  output.result(
    { customers },
    customers.length === 0
      ? 'there is no customer yet: `linkgate customer set <name> --account <accountId>` makes one'
      : formatCustomerTable(customers, output),
  );
}

export async function showCustomer({ api, output }: Session, name: string) {
  const { customer } = await api.call('GET', ['customers', name], CustomerResponse);
  output.result({ customer }, customerDetails(customer, output));
}

export async function removeCustomer({ api, output }: Session, name: string) {
  const { customer } = await api.call('DELETE', ['customers', name], RemovalResponse);
  output.result({ customer }, `the customer ${name} is removed, and its contact is no longer notified`);
}

function customerDetails(customer: Customer, output: Output): string {
  const { contact, contractEndsAt, delivery } = customer;
  return keyValues(
    [
      ['customer', customer.name],
      ['accounts', customer.accounts.join(' ')],
      ['contact', contact?.email ?? contact?.topicArn ?? 'none: nobody there is notified'],
      ['delivery', delivery?.detail ?? delivery?.status],
      ['owners', customer.owners?.join(', ')],
      ['contract ends', contractEndsAt && time(contractEndsAt)],
      ['managed by', formatFileManager(customer)],
      ['changed', formatChange(customer.changedAt, customer.changedBy)],
    ],
    output,
  );
}

function formatCustomerTable(customers: readonly Customer[], output: Output): string {
  const rows = customers.map(({ name, accounts, contact, owners, contractEndsAt, delivery }) => ({
    cells: [name, contact?.email ?? contact?.topicArn ?? '-', accounts.join(' ')],
    below: [
      delivery?.detail && output.paint('yellow', delivery.detail),
      contractEndsAt && `contract ends ${time(contractEndsAt)}`,
      owners && `owned by ${owners.join(', ')}`,
    ]
      .filter(Boolean)
      .join('; '),
  }));
  return table(['CUSTOMER', 'CONTACT', 'ACCOUNTS'], rows, output);
}
