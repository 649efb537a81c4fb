import { RoleArn } from '../../lib/allowlist/entry.ts';
import { ContactTopic } from '../../lib/customers/customer.ts';
import type { GroupedEntry } from '../command-entry.ts';
import * as allowlist from '../commands/allowlist.ts';
import * as approvers from '../commands/approvers.ts';
import * as customer from '../commands/customer.ts';
import { exportPolicy } from '../commands/export.ts';
import * as policy from '../commands/policy.ts';
import { removeService } from '../commands/remove-service.ts';
import * as service from '../commands/service.ts';
import { expiryText, parseDeadlineOption, parseExpiryOption } from '../expiry.ts';
import * as take from '../options.ts';
import { parseSlackUser } from '../parse-actor.ts';

const planOptions = [
  take.fileOption,
  take.option('--take-ownership', 'adopt objects managed by people or other systems that the file declares'),
  take.option(
    '--allow-removals',
    'also where it removes more than five objects and more than a third of all that the file manages',
  ),
];

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
      take.option(
        '--on-unlisted <what>',
        'what to do with accounts that are not on the allowlist (default: ask)',
        ['ask', 'hold', 'reject'],
      ),
      take.option('--approvers <group>', 'the approver group whose quorum counts (default: default)'),
      take.option('--require-ticket', 'each decision of a person names a ticket'),
      take.option('--no-require-ticket', 'a decision needs no ticket (default)'),
      take.option(
        '--deadline <time>',
        'how long people have for a request, such as 7d or 36h (default: 7d)',
        parseDeadlineOption,
      ),
      take.option(
        '--on-expiry <what>',
        'what becomes of a request that nobody decided in time (default: escalate, and it stays open)',
        ['escalate', 'reject'],
      ),
      take.option(
        '--grace <time>',
        'how long a connection stays after its permission has gone, such as 72h or 14d (default: 72h)',
        parseDeadlineOption,
      ),
      take.option(
        '--on-external-accept <what>',
        'what to do with connections that somebody else accepted and nothing endorses (default: ask)',
        ['ask', 'disconnect', 'adopt'],
      ),
      take.option(
        '--principals <how>',
        "managed: keep AWS's allowed principals as the allowlist implies; observed: only compare (default)",
        ['observed', 'managed'],
      ),
      take.option(
        '--other-principal <principal>',
        'a principal that is allowed beside those of the allowlist; may be repeated, and replaces all that were named before',
        take.repeated(String),
      ),
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
      take.option(
        '--endpoint <endpointId>',
        'only this endpoint, a person decides on others; may be repeated',
        take.repeated(take.parseEndpoint),
      ),
      take.option(
        '--consumer-region <region>',
        'only endpoints in this Region; may be repeated',
        take.repeated(take.parseRegion),
      ),
      take.option(
        '--max-endpoints <n>',
        'how many endpoints the account may have; a person decides on more',
        take.parseWholeNumber,
      ),
      take.option('--expires <when>', expiryText, parseExpiryOption),
      take.option(
        '--role <arn>',
        "only this role of the account may create endpoints, where linkgate keeps the service's principals; may be repeated",
        take.repeated(
          take.createTextParser(
            RoleArn,
            'A role looks like arn:aws:iam::111122223333:role/name, without a path.',
          ),
        ),
      ),
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
      take.option(
        '--slack-user <id>',
        'a Slack user with their workspace, T…:U…; may be repeated',
        take.repeated(take.createParser(parseSlackUser, 'A Slack user looks like T0123456789:U0123456789.')),
      ),
      take.emailOption,
      take.option(
        '--quorum <n>',
        'how many different people have to approve; one denial denies (default: 1)',
        take.parseWholeNumber,
      ),
      take.option(
        '--decision-channels <where>',
        'api: Slack and e-mails only notify, and give the command (default: anywhere)',
        ['anywhere', 'api'],
      ),
      take.option(
        '--escalate-to <group>',
        'the group that is called upon when time runs out',
        take.parseGroup,
      ),
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
      take.required(
        take.option(
          '--account <accountId>',
          'an AWS account of theirs; may be repeated',
          take.repeated(take.parseAccount),
        ),
      ),
      take.conflicting(
        take.option(
          '--contact-email <address>',
          'the e-mail address that is notified about their endpoints',
          take.parseEmail,
        ),
        'contactTopic',
      ),
      take.option(
        '--contact-topic <arn>',
        'the SNS topic of theirs that is notified instead; its name begins with linkgate-',
        take.createTextParser(
          ContactTopic,
          'A topic looks like arn:aws:sns:us-east-1:111122223333:linkgate-notices.',
        ),
      ),
      take.ownerOption,
      take.option(
        '--contract-ends <when>',
        'when the entries of their accounts expire that a policy file makes: a date (its end, UTC), a time from now or an ISO date-time',
        parseExpiryOption,
      ),
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
      take.conflicting(
        take.option(
          '--from-connections <service>',
          'print the policy file that would allow exactly what is connected to a service now, for review',
        ),
        'service',
      ),
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
