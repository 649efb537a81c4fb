import { Command } from 'commander';
import * as v from 'valibot';
import type { Expiry } from '../../lib/allowlist/expiry.ts';
import { everyPage } from '../api-client.ts';
import { Customer, CustomerPage, Warnings } from '../api-views.ts';
import { expiresAt } from '../expiry.ts';
import * as take from '../options.ts';
import { keyValues, type Output, table, time } from '../output.ts';
import type { OpenSession } from '../session.ts';

const Answer = v.looseObject({ customer: Customer, warnings: Warnings });
/** Without what it was, where an earlier try removed it. */
const Removed = v.looseObject({ customer: v.optional(Customer), warnings: Warnings });

interface SetOptions extends take.CommonOptions {
  readonly account: readonly string[];
  readonly contactEmail?: string;
  readonly contactTopic?: string;
  readonly owner?: readonly string[];
  readonly contractEnds?: Expiry;
}

export function customerCommand(open: OpenSession): Command {
  const customer = new Command('customer').description(
    'who stands behind accounts, and where they are told how their endpoints stand',
  );
  for (const each of [setCommand(open), listCommand(open), showCommand(open), removeCommand(open)])
    customer.addCommand(each);
  return customer;
}

function setCommand(open: OpenSession): Command {
  return take
    .command('set', 'make a customer, or replace one whole: what is not said again is gone')
    .addArgument(take.customerArgument())
    .addOption(take.accountsOption())
    .addOption(take.contactEmailOption().conflicts('contactTopic'))
    .addOption(take.contactTopicOption())
    .addOption(take.ownerOption())
    .addOption(take.contractEndsOption())
    .addHelpText(
      'after',
      `
A contact is told when a request of the accounts is received, waits for a person, is accepted or rejected, and when a
connection will be cut, is cut, or loses its permission soon. It is never told what the allowlist says. An address
confirms the mail that SNS sends first; a topic admits this account by its policy.`,
    )
    .action(async (name: string, options: SetOptions) => {
      const { api, output } = await open(options);
      const { account, contactEmail, contactTopic, owner, contractEnds } = options;
      const { customer, warnings } = await api.call('PUT', ['customers', name], Answer, {
        body: {
          accounts: account,
          contact: contactIn(contactEmail, contactTopic),
          owners: owner,
          contractEndsAt: contractEnds && expiresAt(contractEnds, await api.now()),
        },
      });
      output.result({ customer }, listed([customer], output));
      output.warn(warnings);
    });
}

function contactIn(email: string | undefined, topicArn: string | undefined) {
  if (email !== undefined) return { email };
  return topicArn === undefined ? undefined : { topicArn };
}

function listCommand(open: OpenSession): Command {
  return take
    .command('list', 'every customer, and whether what is written to their contact arrives')
    .action(async (options: take.CommonOptions) => {
      const { api, output } = await open(options);
      const customers = await everyPage(api, ['customers'], CustomerPage, (page) => page.customers);
      output.result(
        { customers },
        customers.length === 0
          ? 'there is no customer yet: `linkgate customer set <name> --account <accountId>` makes one'
          : listed(customers, output),
      );
    });
}

function showCommand(open: OpenSession): Command {
  return take
    .command('show', 'one customer: accounts, contact, owners, end of the contract')
    .addArgument(take.customerArgument())
    .action(async (name: string, options: take.CommonOptions) => {
      const { api, output } = await open(options);
      const { customer, warnings } = await api.call('GET', ['customers', name], Answer);
      output.result({ customer }, customerDetails(customer, output));
      output.warn(warnings);
    });
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

function removeCommand(open: OpenSession): Command {
  return take
    .command('remove', 'forget a customer and their contact; the allowlist stays as it is')
    .addArgument(take.customerArgument())
    .action(async (name: string, options: take.CommonOptions) => {
      const { api, output } = await open(options);
      const { customer, warnings } = await api.call('DELETE', ['customers', name], Removed);
      output.result({ customer }, `the customer ${name} is forgotten, and nobody there is told anything`);
      output.warn(warnings);
    });
}

function listed(customers: readonly Customer[], output: Output): string {
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
