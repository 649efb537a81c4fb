import * as v from 'valibot';
import { allServicesScope, MaxEndpoints, maxNoteLength, RoleArn } from '../../lib/allowlist/entry.ts';
import { DecisionChannels, GroupName, Quorum, SlackChannel } from '../../lib/approvers/approver-group.ts';
import { ContactTopic, CustomerName } from '../../lib/customers/customer.ts';
import { ServiceId } from '../../lib/privatelink/connection.ts';
import {
  DeadlineSeconds,
  GraceSeconds,
  OnExpiry,
  OnExternalAccept,
  OnUnlisted,
  PrincipalsMode,
  ServiceName,
  serviceNameFormat,
} from '../../lib/services/service.ts';
import { Email } from '../../lib/values/email-address.ts';
import { Text } from '../../lib/values/text.ts';
import {
  Account,
  createEnvironmentsSchema,
  createListSchema,
  Duration,
  Endpoint,
  field,
  Instant,
  Owners,
  onlyIn,
  Region,
  SlackPerson,
  Stage,
} from './fields.ts';

// The schema validates a policy file as people write it, and transforms no value.

const groupFields = {
  slack: field(
    v.strictObject({
      channel: field(SlackChannel, 'The id of the channel in which they are asked.', 'C0123456789'),
      users: field(v.pipe(v.array(SlackPerson), v.maxLength(100)), 'Who may decide: workspace and user.', [
        'T0123456789:U0123456789',
      ]),
    }),
    'Where and who they are in Slack.',
  ),
  emails: field(
    v.pipe(v.array(Email), v.maxLength(100)),
    'Addresses that are asked by mail and may decide.',
    ['alice@example.com'],
  ),
  quorum: field(
    Quorum,
    'How many different people have to approve; one denial denies. 1 where it is left out.',
    2,
  ),
  decisionChannels: field(
    DecisionChannels,
    '`api`: Slack and e-mails only notify, and give the command. `anywhere` where it is left out.',
  ),
  escalateTo: field(GroupName, 'The group that is called upon when time runs out.', 'managers'),
};

const serviceFields = {
  id: field(
    v.config(ServiceId, { message: 'the id of an endpoint service looks like vpce-svc-0123456789abcdef0' }),
    'Its id in EC2. Without one it has to be registered under this name already.',
    'vpce-svc-0123456789abcdef0',
  ),
  region: field(Region, 'The Region that it is in, where that is not the one of linkgate.', 'us-east-1'),
  account: field(
    Account,
    'The account that it is in, in quotes, where that is not the one of linkgate.',
    '111122223333',
  ),
  onUnlisted: field(
    OnUnlisted,
    'What becomes of requests of which no entry speaks: `ask` (where it is left out), `hold` or `reject`.',
  ),
  approvers: field(GroupName, 'The group that is asked; `default` where it is left out.', 'payments-team'),
  requireTicket: field(v.boolean(), 'Whether each decision of a person names a ticket.'),
  deadline: field(
    Duration(DeadlineSeconds),
    'How long people have for a request; `7d` where it is left out.',
    '7d',
  ),
  onExpiry: field(
    OnExpiry,
    'What becomes of a request that nobody decided in time: `escalate` (where it is left out) or `reject`.',
  ),
  grace: field(
    Duration(GraceSeconds),
    'How long a connection stays after its permission has gone, 1h to 90d; `72h` where it is left out.',
    '72h',
  ),
  onExternalAccept: field(
    OnExternalAccept,
    'What becomes of a connection that was accepted outside linkgate and that no entry allows: `ask` (where it is left out), `disconnect` or `adopt`.',
  ),
  principals: field(
    PrincipalsMode,
    "`managed` keeps AWS's allowed principals equal to what the allowlist implies; `observed` (where it is left out) only reports the difference.",
  ),
  otherPrincipals: field(
    v.pipe(v.array(v.pipe(v.string(), v.nonEmpty('a principal is an ARN or *'))), v.maxLength(100)),
    'Principals that are allowed beside those that the allowlist implies.',
    ['arn:aws:iam::111122223333:user/tester'],
  ),
};

const customerFields = {
  accounts: field(createListSchema(Account, 1000), 'Their AWS accounts, in quotes.', ['222222222222']),
  contact: field(
    v.pipe(
      v.strictObject({
        email: field(v.pipe(Email, v.toLowerCase()), 'An address of theirs.', 'cloud@example.com'),
        topic: field(ContactTopic, 'An SNS topic of theirs, whose name begins with `linkgate-`.'),
      }),
      v.check(
        ({ email, topic }) => (email === undefined) !== (topic === undefined),
        'a contact is an `email` or a `topic`, one of them',
      ),
      v.metadata({ minProperties: 1, maxProperties: 1 }),
    ),
    'Where they are notified about their connections; nowhere where it is left out.',
  ),
  owners: field(Owners, 'Whose accounts they are: these people cannot approve what the accounts ask for.', [
    'alice@example.com',
  ]),
  contractEnds: field(
    Instant,
    'Their entries expire with this day (UTC), or at this date-time, at the latest.',
    '2027-12-31',
  ),
};

const entryFields = {
  customer: field(CustomerName, 'Each account of this customer; beside `account`, only that one.', 'acme'),
  account: field(Account, 'The account of the consumer, in quotes.', '222222222222'),
  services: v.pipe(
    v.union(
      [v.string(), createListSchema(v.string(), 1000)],
      "write the name of a service, a list of names, or '*'",
    ),
    v.metadata({
      description: "The services by their names in this file: one, a list, or '*' for every one.",
      examples: ['payments', ['payments', 'orders'], allServicesScope],
    }),
  ),
  owners: field(Owners, "Whose account it is, beside the customer's owners."),
  note: field(Text(maxNoteLength), 'Why, for whoever reads it later.'),
  environments: field(createListSchema(Stage, 100), onlyIn, ['prod']),
};

const narrowings = {
  endpoints: field(createListSchema(Endpoint, 1000), 'Only these endpoints; a person decides on others.', [
    'vpce-0123456789abcdef0',
  ]),
  consumerRegions: field(
    createListSchema(Region, 100),
    'Only endpoints in these Regions; a person decides on others.',
    ['eu-west-1'],
  ),
  maxEndpoints: field(
    MaxEndpoints,
    'How many endpoints each account may have at each service; a person decides on more.',
    2,
  ),
  expires: field(
    Instant,
    'It counts until the end of this day (UTC), or until this date-time.',
    '2027-01-31',
  ),
  roles: field(
    createListSchema(RoleArn, 100),
    'Only these roles may create endpoints, where principals are `managed`; all of the account where it is left out.',
    ['arn:aws:iam::222222222222:role/network'],
  ),
};

/** Any allowlist entry. */
function createEntrySchema<const Fields extends v.ObjectEntries>(fields: Fields) {
  return v.pipe(
    v.strictObject({ ...entryFields, ...fields }),
    v.check((entry) => 'customer' in entry || 'account' in entry, 'say whom: a `customer` or an `account`'),
    v.metadata({ anyOf: [{ required: ['customer'] }, { required: ['account'] }] }),
  );
}

export const Group = v.strictObject({ ...groupFields, environments: createEnvironmentsSchema(groupFields) });
export const Service = v.strictObject({
  ...serviceFields,
  environments: createEnvironmentsSchema(serviceFields),
});
export const Customer = v.strictObject({
  ...customerFields,
  environments: createEnvironmentsSchema(customerFields),
});
export const Allow = createEntrySchema(narrowings);
export const Block = createEntrySchema({});

export type Group = v.InferOutput<typeof Group>;
export type Service = v.InferOutput<typeof Service>;
export type Customer = v.InferOutput<typeof Customer>;
export type Allow = v.InferOutput<typeof Allow>;
export type Block = v.InferOutput<typeof Block>;

/** The top-level fields of a file, without its sections. */
export const headerSchema = {
  version: field(v.literal(1), 'The version of this form, 1. An included file may leave it out.'),
  include: field(
    createListSchema(v.pipe(v.string(), v.nonEmpty('name a file')), 1000),
    'Other files of this form, by paths from this one; `*` stands for any name, `**` for any folders.',
    ['customers/*.yml'],
  ),
  environments: field(
    createListSchema(Stage, 100),
    'The environments that there are: stages of linkgate. The file is refused at any other stage. They are said in the file that includes the others.',
    ['staging', 'prod'],
  ),
};

/**
 * The sections of a file. A section with a schema of names is a map of named parts, any other is a list. A group or service
 * without settings is a declaration, so that other parts can refer to it.
 */
export const sections = {
  approvers: { part: Group, name: GroupName, about: 'Groups of people who decide, by name.' },
  services: {
    part: Service,
    name: v.union([ServiceName, ServiceId], serviceNameFormat),
    about: 'Endpoint services, by names of your own or by their ids.',
  },
  customers: { part: Customer, name: CustomerName, about: 'Who stands behind accounts, by name.' },
  allow: { part: Allow, about: 'Accounts that may connect.' },
  block: { part: Block, about: 'Accounts that are rejected whoever approves them.' },
} as const;
export type SectionName = keyof typeof sections;
