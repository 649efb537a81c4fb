import { Argument, InvalidArgumentError, Option } from 'commander';
import * as v from 'valibot';
import { GroupName, SlackChannel } from '../lib/approvers/approver-group.ts';
import { requiredDecisionText } from '../lib/connections/decision-text.ts';
import { CustomerName } from '../lib/customers/customer.ts';
import { AccountRegion } from '../lib/locations/account-region.ts';
import { AccountId, EndpointId, ServiceId } from '../lib/privatelink/connection.ts';
import { Email } from '../lib/values/email-address.ts';
import { stageForm, stagePattern } from '../lib/values/stage.mjs';
import { unmarkControls } from './control-characters.ts';
import type { DeploymentSelector } from './deployment.ts';
import { parseActor } from './parse-actor.ts';

/** The options of every command. */
export interface CommonOptions extends DeploymentSelector {
  readonly json?: true;
}

/** Defines an option without a value, with any text, or with a value that the parser or the choices accept. */
export function option<T>(
  flags: string,
  description: string,
  values?: ((text: string, previous: T) => T) | readonly string[],
): () => Option {
  return () => {
    const created = new Option(flags, description);
    if (typeof values === 'function') return created.argParser(values);
    return values ? created.choices(values) : created;
  };
}

export function required(create: () => Option): () => Option {
  return () => create().makeOptionMandatory();
}

/** @param other the other option, as commander names it */
export function conflicting(create: () => Option, other: string): () => Option {
  return () => create().conflicts(other);
}

function argument(name: string, description: string, parse: (text: string) => string) {
  return () => new Argument(name, description).argParser(parse);
}

/** @param form the error message; by default the message of the schema */
export function createTextParser(schema: v.GenericSchema<string, string>, form?: string) {
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

/** Parses each value of a repeated option. Commander passes the values before it. */
export function repeated<T>(parse: (text: string) => T) {
  return (text: string, previous: readonly T[] = []): readonly T[] => [...previous, parse(text)];
}

/** Parses a value that is undefined if the text is invalid. */
export function createParser<T>(parse: (text: string) => T | undefined, form: string) {
  return (text: string): T => {
    const value = parse(text);
    if (value === undefined) throw new InvalidArgumentError(form);
    return value;
  };
}

export function parseWholeNumber(text: string): number {
  if (!/^[1-9]\d{0,5}$/.test(text)) throw new InvalidArgumentError('Give a whole number from 1.');
  return Number(text);
}

export const parseAccount = createTextParser(
  AccountId,
  'An account id has 12 digits, leading zeros included.',
);
export const parseEndpoint = createTextParser(
  EndpointId,
  'An endpoint id looks like vpce-0123456789abcdef0.',
);
export const parseRegion = createTextParser(AccountRegion.entries.region, 'A Region looks like us-east-1.');
export const parseGroup = createTextParser(
  GroupName,
  'A group has letters, digits, dots, hyphens and underscores.',
);
export const parseEmail = createTextParser(Email);
const Stage = v.pipe(v.string(), v.regex(stagePattern));

export const commonOptions = (): readonly Option[] =>
  [
    option('--json', 'print one JSON document'),
    option('--region <region>', 'the AWS Region of the deployment', parseRegion),
    option(
      '--stage <stage>',
      'the stage of the deployment (default: LINKGATE_STAGE, or the only one there is)',
      createTextParser(Stage, stageForm),
    ),
  ].map((create) => create());

export const accountArgument = argument('<accountId>', 'the AWS account of the consumer', parseAccount);
export const endpointArgument = argument('<endpointId>', "the consumer's endpoint, vpce-…", parseEndpoint);
/** The endpoint is absent if the command names an account instead. */
export const optionalEndpointArgument = argument(
  '[endpointId]',
  "the consumer's endpoint, vpce-…",
  parseEndpoint,
);
export const newServiceArgument = argument(
  '<serviceId>',
  'the endpoint service in EC2, vpce-svc-…',
  createTextParser(ServiceId, 'The id of an endpoint service looks like vpce-svc-0123456789abcdef0.'),
);
export const serviceArgument = argument(
  '<service>',
  'the id of a service, or its own name',
  createTextParser(v.pipe(v.string(), v.nonEmpty()), ''),
);
export const groupArgument = argument('<group>', 'the name of the group', parseGroup);
export const customerArgument = argument(
  '<name>',
  'the name of the customer',
  createTextParser(CustomerName, 'A customer has a name of letters, digits, dots, hyphens and underscores.'),
);

export const accountOption = option('--account <accountId>', 'only this account', parseAccount);
export const serviceOption = option('--service <service>', 'only this service, by its id or its own name');
/** Accepts a service, or `*` for an allowlist entry at every service. */
export const requiredServiceOption = required(
  option('--service <service>', "the id of a service or its own name; '*' (in quotes) for every service"),
);

export const slackChannelOption = option(
  '--slack-channel <id>',
  'the Slack channel, C…',
  createTextParser(SlackChannel, 'The id of a Slack channel looks like C0123456789.'),
);
export const emailOption = option(
  '--email <address>',
  'an e-mail address; may be repeated',
  repeated(parseEmail),
);
export const ownerOption = option(
  '--owner <who>',
  'whose account it is: they cannot approve what it asks for. A Slack user T…:U…, an e-mail address or an IAM ARN; may be repeated',
  repeated(
    createParser(
      parseActor,
      'An owner looks like T0123456789:U0123456789, alice@example.com or arn:aws:iam::111122223333:user/alice.',
    ),
  ),
);

export const fileOption = required(
  option('-f, --file <file>', 'the policy file; files that it includes are read too'),
);
export const yesOption = option('--yes', 'do not ask');
export const waitOption = () =>
  option('--wait <minutes>', 'how long to wait until EC2 shows it done', parseWholeNumber)().default(5);
export const noteOption = option('--note <text>', 'why, for whoever reads it later');
export const reasonOption = option('--reason <text>', 'why; it is kept in the history');
export const requiredReasonOption = required(
  option('--reason <text>', 'why; it is kept in the history', createVisibleTextParser('reason')),
);
export const ticketOption = option(
  '--ticket <id>',
  'the ticket that the decision belongs to; it is kept in the history',
  createVisibleTextParser('ticket'),
);
/** The message to the customer. The reason stays internal. */
export const customerMessageOption = option(
  '--customer-message <text>',
  'the message to the customer, where their contact is known',
  createVisibleTextParser('customerMessage'),
);
