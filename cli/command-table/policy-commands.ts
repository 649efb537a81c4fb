import { Option } from 'commander';
import type { GroupedEntry } from '../command-entry.ts';
import * as allowlist from '../commands/allowlist.ts';
import * as approvers from '../commands/approvers.ts';
import * as customer from '../commands/customer.ts';
import { exportPolicy } from '../commands/export.ts';
import * as policy from '../commands/policy.ts';
import { removeService } from '../commands/remove-service.ts';
import * as service from '../commands/service.ts';
import * as take from '../options.ts';
import * as settings from '../service-options.ts';

const planOptions = [take.fileOption, take.takeOwnershipOption, take.allowRemovalsOption];

/** Commands for services, the allowlist, people and policy files. */
export const policyCommands: readonly GroupedEntry[] = [
  {
    name: 'service add',
    run: service.addService,
    summary:
      'register an endpoint service; again: change the settings that are given, and repair its drift in EC2',
    arguments: [take.newServiceArgument],
    options: [
      take.option('--name <name>', 'a name of your own for it'),
      settings.onUnlistedOption,
      take.option('--approvers <group>', 'the approver group whose quorum counts (default: default)'),
      take.option('--require-ticket', 'each decision of a person names a ticket'),
      take.option('--no-require-ticket', 'a decision needs no ticket (default)'),
      settings.deadlineOption,
      settings.onExpiryOption,
      settings.graceOption,
      settings.onExternalAcceptOption,
      settings.principalsOption,
      settings.otherPrincipalOption,
      take.option('--yes', 'agree to what --principals managed changes, without being asked'),
    ],
    example: 'linkgate service add vpce-svc-0123456789abcdef0 --name payments',
  },
  {
    name: 'service list',
    run: service.listServices,
    summary: 'list the registered services',
    options: [take.option('--unregistered', 'the endpoint services in EC2 that are not registered')],
    example: 'linkgate service list',
  },
  {
    name: 'service show',
    run: service.showService,
    summary: 'show one service, with the drift that the last check found in EC2',
    arguments: [take.serviceArgument],
    example: 'linkgate service show payments',
  },
  {
    name: 'service remove',
    run: removeService,
    summary: 'deregister a service; its connections stay as they are',
    arguments: [take.serviceArgument],
    options: [
      take.option(
        '--disconnect',
        'reject all of its connections first, and wait until EC2 shows it; the disconnect quota does not apply',
      ),
      take.yesOption,
      take.waitOption,
    ],
    example: 'linkgate service remove payments',
  },
  {
    name: 'allow',
    run: allowlist.allowAccount,
    summary: "allow an account at a service; replaces the account's entry there",
    arguments: [take.accountArgument],
    options: [
      take.requiredServiceOption,
      take.endpointOption,
      take.consumerRegionOption,
      take.maxEndpointsOption,
      take.expiresOption,
      take.roleOption,
      take.ownerOption,
      take.noteOption,
    ],
    example: 'linkgate allow 222222222222 --service payments --expires 2027-01-31 --note "contract 4711"',
  },
  {
    name: 'block',
    run: allowlist.blockAccount,
    summary: "reject an account at a service whoever approves it; replaces the account's entry there",
    arguments: [take.accountArgument],
    options: [take.requiredServiceOption, take.ownerOption, take.noteOption],
    example: `linkgate block 222222222222 --service '*' --note "abuse"`,
    notes:
      "The account's connections there are disconnected at once. linkgate lockdown asks first, and waits until EC2 shows it.",
  },
  {
    name: 'allowlist list',
    run: allowlist.listEntries,
    summary: 'list the entries',
    options: [take.serviceOption],
    example: 'linkgate allowlist list --service payments',
    isDefault: true,
  },
  {
    name: 'allowlist show',
    run: allowlist.showEntries,
    summary: 'show the entries of one account at all services',
    arguments: [take.accountArgument],
    options: [take.serviceOption],
    example: 'linkgate allowlist show 222222222222',
  },
  {
    name: 'allowlist remove',
    run: allowlist.removeEntry,
    summary: 'remove the entry of an account',
    arguments: [take.accountArgument],
    options: [take.requiredServiceOption],
    example: 'linkgate allowlist remove 222222222222 --service payments',
  },
  {
    name: 'approvers set',
    run: approvers.setGroup,
    summary: 'create an approver group, or replace the whole group: people who are not named again leave it',
    arguments: [take.groupArgument],
    options: [
      take.slackChannelOption,
      take.slackUserOption,
      take.emailOption,
      take.quorumOption,
      take.decisionChannelsOption,
      take.escalateToOption,
    ],
    example:
      'linkgate approvers set finance --slack-channel C0123456789 --slack-user T0123456789:U0123456789 --quorum 1',
    notes: `linkgate posts open requests of the group in its Slack channel, and sends each address an e-mail with links that decide, once
its reader has confirmed the subscription that SNS sends first. In Slack only the users named here decide, by e-mail only the
addresses named here. By linkgate approve, linkgate deny or the API those decide whom IAM allows: the approver policy among
the outputs of the stack. The quorum counts different people, over all channels.`,
  },
  {
    name: 'approvers list',
    run: approvers.listGroups,
    summary: 'list the approver groups',
    example: 'linkgate approvers list',
  },
  {
    name: 'approvers show',
    run: approvers.showGroup,
    summary: 'show one approver group: its people, quorum and channels',
    arguments: [take.groupArgument],
    example: 'linkgate approvers show finance',
  },
  {
    name: 'approvers remove',
    run: approvers.removeGroup,
    summary: 'remove an approver group that no service and no other group names',
    arguments: [take.groupArgument],
    example: 'linkgate approvers remove finance',
  },
  {
    name: 'customer set',
    run: customer.setCustomer,
    summary: 'create a customer, or replace the whole customer',
    arguments: [take.customerArgument],
    options: [
      take.accountsOption,
      () => take.contactEmailOption().conflicts('contactTopic'),
      take.contactTopicOption,
      take.ownerOption,
      take.contractEndsOption,
    ],
    example: 'linkgate customer set initech --account 222222222222 --contact-email ops@initech.example',
    notes: `linkgate notifies the contact when a request of the accounts is received, waits for a person, is accepted or rejected, and when
a connection will be disconnected, is disconnected, or loses its permission soon. A notification never quotes the allowlist.
An address confirms the subscription that SNS sends first; a topic admits this account by its policy.`,
  },
  {
    name: 'customer list',
    run: customer.listCustomers,
    summary: 'list the customers, and whether notifications reach their contacts',
    example: 'linkgate customer list',
  },
  {
    name: 'customer show',
    run: customer.showCustomer,
    summary: 'show one customer: accounts, contact, owners, end of the contract',
    arguments: [take.customerArgument],
    example: 'linkgate customer show initech',
  },
  {
    name: 'customer remove',
    run: customer.removeCustomer,
    summary: 'remove a customer with its contact; the allowlist stays as it is',
    arguments: [take.customerArgument],
    example: 'linkgate customer remove initech',
  },
  {
    name: 'plan',
    run: policy.planPolicy,
    summary: 'show what a policy file would change, and the impact on the connections of today',
    options: [
      ...planOptions,
      take.option('--exit-code', 'exit with 3 where there are changes'),
      take.option('--markdown', 'for the comment of a pull request'),
    ],
    example: 'linkgate plan -f policy.yml',
  },
  {
    name: 'apply',
    run: policy.applyPolicy,
    summary: 'show the plan, ask, and change the table to what a policy file says',
    options: [...planOptions, take.yesOption],
    example: 'linkgate apply -f policy.yml',
  },
  {
    name: 'simulate',
    run: policy.simulatePolicy,
    summary: 'list the requests of the last 90 days that a policy file would have decided otherwise',
    options: [take.fileOption],
    example: 'linkgate simulate -f policy.yml',
  },
  {
    name: 'export',
    run: exportPolicy,
    summary: 'print the table as a policy file, which plans to no change',
    options: [
      take.serviceOption,
      () =>
        new Option(
          '--from-connections <service>',
          'print the policy file that would allow exactly what is connected to a service now, for review',
        ).conflicts('service'),
    ],
    example: 'linkgate export --service payments',
  },
  {
    name: 'schema',
    run: policy.printSchema,
    summary: 'print the JSON Schema of policy files for editors; needs no deployment',
    example: 'linkgate schema',
  },
];
