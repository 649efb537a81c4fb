import { Argument, InvalidArgumentError, Option } from 'commander';
import * as v from 'valibot';
import { RoleArn } from '../lib/allowlist/entry.ts';
import { GroupName, SlackChannel, type SlackUser } from '../lib/approvers/approver-group.ts';
import { requiredDecisionText } from '../lib/connections/decision-text.ts';
import { ContactTopic, CustomerName } from '../lib/customers/customer.ts';
import { AccountRegion } from '../lib/locations/account-region.ts';
import { AccountId, connectionStates, EndpointId, ServiceId } from '../lib/privatelink/connection.ts';
import { Email } from '../lib/values/email-address.ts';
import { stageForm, stagePattern } from '../lib/values/stage.mjs';
import { unmarkControls } from './control-characters.ts';
import type { DeploymentSelector } from './deployment.ts';
import { parseExpiryOption } from './expiry.ts';
import { parseActor, parseSlackUser } from './parse-actor.ts';

/** The options of every command. */
export interface CommonOptions extends DeploymentSelector {
  readonly json?: true;
}

/** Defines an option without a value, or with any text as its value. */
export function option(flags: string, description: string): () => Option {
  return () => new Option(flags, description);
}

export const commonOptions = (): readonly Option[] => [
  new Option('--json', 'print one JSON document'),
  new Option('--region <region>', 'the AWS Region of the deployment').argParser(
    createTextParser(AccountRegion.entries.region, regionForm),
  ),
  new Option(
    '--stage <stage>',
    'the stage of the deployment (default: LINKGATE_STAGE, or the only one there is)',
  ).argParser(createTextParser(Stage, stageForm)),
];

const regionForm = 'A Region looks like us-east-1.';
const accountForm = 'An account id has 12 digits, leading zeros included.';
const endpointForm = 'An endpoint id looks like vpce-0123456789abcdef0.';
const serviceForm = 'The id of an endpoint service looks like vpce-svc-0123456789abcdef0.';
const groupForm = 'A group has letters, digits, dots, hyphens and underscores.';
const Stage = v.pipe(v.string(), v.regex(stagePattern));

export const accountArgument = () =>
  new Argument('<accountId>', 'the AWS account of the consumer').argParser(
    createTextParser(AccountId, accountForm),
  );

export const endpointArgument = () =>
  new Argument('<endpointId>', "the consumer's endpoint, vpce-…").argParser(
    createTextParser(EndpointId, endpointForm),
  );

/** Defines the optional endpoint, which is absent if the command names an account instead. */
export const optionalEndpointArgument = () =>
  new Argument('[endpointId]', "the consumer's endpoint, vpce-…").argParser(
    createTextParser(EndpointId, endpointForm),
  );

export const newServiceArgument = () =>
  new Argument('<serviceId>', 'the endpoint service in EC2, vpce-svc-…').argParser(
    createTextParser(ServiceId, serviceForm),
  );

export const serviceArgument = () =>
  new Argument('<service>', 'the id of a service, or its own name').argParser(
    createTextParser(v.pipe(v.string(), v.nonEmpty()), ''),
  );

/** Accepts a service, or `*` for an allowlist entry at every service. */
export const requiredServiceOption = () =>
  new Option(
    '--service <service>',
    "the id of a service or its own name; '*' (in quotes) for every service",
  ).makeOptionMandatory();

export const oneEndpointOption = () =>
  new Option('--endpoint <endpointId>', 'only this endpoint').argParser(
    createTextParser(EndpointId, endpointForm),
  );

export const serviceOption = () =>
  new Option('--service <service>', 'only this service, by its id or its own name');

export const endpointOption = () =>
  new Option(
    '--endpoint <endpointId>',
    'only this endpoint, a person decides on others; may be repeated',
  ).argParser(createListParser(EndpointId, endpointForm));

export const consumerRegionOption = () =>
  new Option('--consumer-region <region>', 'only endpoints in this Region; may be repeated').argParser(
    createListParser(AccountRegion.entries.region, regionForm),
  );

export const maxEndpointsOption = () =>
  new Option(
    '--max-endpoints <n>',
    'how many endpoints the account may have; a person decides on more',
  ).argParser(parseWholeNumber);

export const groupArgument = () =>
  new Argument('<group>', 'the name of the group').argParser(createTextParser(GroupName, groupForm));

export const customerArgument = () =>
  new Argument('<name>', 'the name of the customer').argParser(
    createTextParser(
      CustomerName,
      'A customer has a name of letters, digits, dots, hyphens and underscores.',
    ),
  );

export const accountsOption = () =>
  new Option('--account <accountId>', 'an AWS account of theirs; may be repeated')
    .argParser(createListParser(AccountId, 'An account id has 12 digits, leading zeros included.'))
    .makeOptionMandatory();

export const contactEmailOption = () =>
  new Option(
    '--contact-email <address>',
    'the e-mail address that is notified about their endpoints',
  ).argParser(createTextParser(Email));

export const contactTopicOption = () =>
  new Option(
    '--contact-topic <arn>',
    'the SNS topic of theirs that is notified instead; its name begins with linkgate-',
  ).argParser(
    createTextParser(ContactTopic, 'A topic looks like arn:aws:sns:us-east-1:111122223333:linkgate-notices.'),
  );

export const contractEndsOption = () =>
  new Option(
    '--contract-ends <when>',
    'when the entries of their accounts expire that a policy file makes: a date (its end, UTC), a time from now or an ISO date-time',
  ).argParser(parseExpiryOption);

export const slackChannelOption = () =>
  new Option('--slack-channel <id>', 'the Slack channel, C…').argParser(
    createTextParser(SlackChannel, 'The id of a Slack channel looks like C0123456789.'),
  );

export const slackUserOption = () =>
  new Option('--slack-user <id>', 'a Slack user with their workspace, T…:U…; may be repeated').argParser(
    (text: string, before: readonly SlackUser[] = []): readonly SlackUser[] => {
      const user = parseSlackUser(text);
      if (!user) throw new InvalidArgumentError('A Slack user looks like T0123456789:U0123456789.');
      return [...before, user];
    },
  );

export const emailOption = () =>
  new Option('--email <address>', 'an e-mail address; may be repeated').argParser(createListParser(Email));

export const quorumOption = () =>
  new Option(
    '--quorum <n>',
    'how many different people have to approve; one denial denies (default: 1)',
  ).argParser(parseWholeNumber);

export const decisionChannelsOption = () =>
  new Option(
    '--decision-channels <where>',
    'api: Slack and e-mails only notify, and give the command (default: anywhere)',
  ).choices(['anywhere', 'api']);

export const escalateToOption = () =>
  new Option('--escalate-to <group>', 'the group that is called upon when time runs out').argParser(
    createTextParser(GroupName, groupForm),
  );

export const ownerOption = () =>
  new Option(
    '--owner <who>',
    'whose account it is: they cannot approve what it asks for. A Slack user T…:U…, an e-mail address or an IAM ARN; may be repeated',
  ).argParser((text: string, before: readonly string[] = []): readonly string[] => {
    const actor = parseActor(text);
    if (actor === undefined) throw new InvalidArgumentError(ownerForm);
    return [...before, actor];
  });

const ownerForm =
  'An owner looks like T0123456789:U0123456789, alice@example.com or arn:aws:iam::111122223333:user/alice.';

export const roleOption = () =>
  new Option(
    '--role <arn>',
    "only this role of the account may create endpoints, where linkgate keeps the service's principals; may be repeated",
  ).argParser(
    createListParser(RoleArn, 'A role looks like arn:aws:iam::111122223333:role/name, without a path.'),
  );

export const accountOption = () =>
  new Option('--account <accountId>', 'only this account').argParser(
    createTextParser(AccountId, accountForm),
  );

export const yesOption = () => new Option('--yes', 'do not ask');

export const untilOption = () =>
  new Option(
    '--until <when>',
    'a date (its end, UTC) such as 2027-01-31, a time from now such as 30d or 12h, or an ISO date-time',
  )
    .argParser(parseExpiryOption)
    .makeOptionMandatory();

export const waitOption = () =>
  new Option('--wait <minutes>', 'how long to wait until EC2 shows it done')
    .argParser(parseWholeNumber)
    .default(5);

export const reasonOption = () => new Option('--reason <text>', 'why; it is kept in the history');

/** Defines the option for a reason that the command requires. */
export const neededReasonOption = () =>
  reasonOption().argParser(createVisibleTextParser('reason')).makeOptionMandatory();

export const ticketOption = () =>
  new Option('--ticket <id>', 'the ticket that the decision belongs to; it is kept in the history').argParser(
    createVisibleTextParser('ticket'),
  );

export const expiresOption = () =>
  new Option(
    '--expires <when>',
    'a date (its end, UTC) such as 2027-01-31, a time from now such as 30d or 12h, or an ISO date-time',
  ).argParser(parseExpiryOption);

export const noteOption = () => new Option('--note <text>', 'why, for whoever reads it later');

export const stateOption = () =>
  new Option('--state <state>', 'only connections in this state in EC2').choices(connectionStates);

function parseWholeNumber(text: string): number {
  if (!/^[1-9]\d{0,5}$/.test(text)) throw new InvalidArgumentError('Give a whole number from 1.');
  return Number(text);
}

/** @param form the error message; by default the message of the schema */
function createTextParser(schema: v.GenericSchema<string, string>, form?: string) {
  return (text: string): string => {
    const { issues } = v.safeParse(schema, text);
    if (issues) throw new InvalidArgumentError(form ?? formatSentence(issues[0].message));
    return text;
  };
}

function formatSentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1).replace(/\.$/, '')}.`;
}

/** Accepts a text with a visible character. Whitespace and zero-width characters do not count, marked or unmarked. */
function createVisibleTextParser(field: Parameters<typeof requiredDecisionText>[0]) {
  const schema = requiredDecisionText(field, 'write visible text');
  return createTextParser(v.pipe(v.string(), v.transform(unmarkControls), schema));
}

function createListParser(schema: v.GenericSchema<string, string>, form?: string) {
  const parseItem = createTextParser(schema, form);
  return (text: string, previous: readonly string[] = []): readonly string[] => [
    ...previous,
    parseItem(text),
  ];
}

/** Defines the option for the message to the customer. The reason stays internal. */
export function customerMessageOption(): Option {
  return new Option(
    '--customer-message <text>',
    'the message to the customer, where their contact is known',
  ).argParser(createVisibleTextParser('customerMessage'));
}

export const fileOption = () =>
  new Option(
    '-f, --file <file>',
    'the policy file; files that it includes are read too',
  ).makeOptionMandatory();

export const takeOwnershipOption = option(
  '--take-ownership',
  'adopt objects managed by people or other systems that the file declares',
);

export const allowRemovalsOption = option(
  '--allow-removals',
  'also where it removes more than five objects and more than a third of all that the file manages',
);
