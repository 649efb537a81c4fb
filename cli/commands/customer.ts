import * as v from 'valibot';
import type { Expiry } from '../../lib/allowlist/parse-expiry.ts';
import { readAllPages } from '../api-client.ts';
import { Customer, CustomerPage, Warnings } from '../api-views.ts';
import { resolveExpiresAt } from '../expiry.ts';
import type { HandlerDeps } from '../handler-deps.ts';
import type { CommonOptions } from '../options.ts';
import { keyValues, type Output, table, time } from '../output.ts';

const CustomerResponse = v.looseObject({ customer: Customer, warnings: Warnings });
/** `customer` is absent if an earlier try removed it. */
const RemovalResponse = v.looseObject({ customer: v.optional(Customer), warnings: Warnings });

interface SetOptions extends CommonOptions {
  readonly account: readonly string[];
  readonly contactEmail?: string;
  readonly contactTopic?: string;
  readonly owner?: readonly string[];
  readonly contractEnds?: Expiry;
}

export function setCustomer({ open }: HandlerDeps) {
  return async (name: string, options: SetOptions) => {
    const { api, output } = await open(options);
    const { account, contactEmail, contactTopic, owner, contractEnds } = options;
    const { customer, warnings } = await api.call('PUT', ['customers', name], CustomerResponse, {
      body: {
        accounts: account,
        contact: buildContact(contactEmail, contactTopic),
        owners: owner,
        contractEndsAt: contractEnds && resolveExpiresAt(contractEnds, await api.now()),
      },
    });
    output.result({ customer }, formatCustomerTable([customer], output));
    output.warn(warnings);
  };
}

function buildContact(email: string | undefined, topicArn: string | undefined) {
  if (email !== undefined) return { email };
  return topicArn === undefined ? undefined : { topicArn };
}

export function listCustomers({ open }: HandlerDeps) {
  return async (options: CommonOptions) => {
    const { api, output } = await open(options);
    const customers = await readAllPages(api, ['customers'], CustomerPage, (page) => page.customers);
    output.result(
      { customers },
      customers.length === 0
        ? 'there is no customer yet: `linkgate customer set <name> --account <accountId>` makes one'
        : formatCustomerTable(customers, output),
    );
  };
}

export function showCustomer({ open }: HandlerDeps) {
  return async (name: string, options: CommonOptions) => {
    const { api, output } = await open(options);
    const { customer, warnings } = await api.call('GET', ['customers', name], CustomerResponse);
    output.result({ customer }, customerDetails(customer, output));
    output.warn(warnings);
  };
}

function customerDetails(customer: Customer, output: Output): string {
  const { name, accounts, contact, owners, contractEndsAt, delivery, managedBy } = customer;
  const { changedAt, changedBy } = customer;
  return keyValues(
    [
      ['customer', name],
      ['accounts', accounts.join(' ')],
      ['contact', contact?.email ?? contact?.topicArn ?? 'none: nobody there is notified'],
      ['delivery', delivery?.detail ?? delivery?.status],
      ['owners', owners?.join(', ')],
      ['contract ends', contractEndsAt && time(contractEndsAt)],
      ['managed by', managedBy === 'file' ? 'the policy file' : undefined],
      ['changed', changedAt && `${time(changedAt)}${changedBy ? ` by ${changedBy}` : ''}`],
    ],
    output,
  );
}

export function removeCustomer({ open }: HandlerDeps) {
  return async (name: string, options: CommonOptions) => {
    const { api, output } = await open(options);
    const { customer, warnings } = await api.call('DELETE', ['customers', name], RemovalResponse);
    output.result({ customer }, `the customer ${name} is removed, and its contact is no longer notified`);
    output.warn(warnings);
  };
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
