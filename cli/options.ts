import { Argument, Command, InvalidArgumentError, Option } from 'commander';
import * as v from 'valibot';
import { Email, GroupName, SlackChannel, SlackUser } from '../lib/approval/approver-group.ts';
import { AccountId, connectionStates, EndpointId, ServiceId } from '../lib/connection/connection.ts';
import { Place } from '../lib/place.ts';
import { stageForm, stagePattern } from '../lib/stage.mjs';
import type { Wanted } from './deployment.ts';
import { parseExpiry } from './expiry.ts';

/** What every command takes. */
export interface CommonOptions extends Wanted {
  readonly json?: true;
}

export function command(name: string, description: string): Command {
  return new Command(name)
    .description(description)
    .option('--json', 'print one JSON document')
    .option('--region <region>', 'the AWS Region of the deployment', shaped(Place.entries.region, regionForm))
    .option(
      '--stage <stage>',
      'the stage of the deployment (default: LINKGATE_STAGE, or the only one there is)',
      shaped(Stage, stageForm),
    );
}

const regionForm = 'A Region looks like us-east-1.';
const endpointForm = 'An endpoint id looks like vpce-0123456789abcdef0.';
const serviceForm = 'The id of an endpoint service looks like vpce-svc-0123456789abcdef0.';
const Stage = v.pipe(v.string(), v.regex(stagePattern));

export const accountArgument = () =>
  new Argument('<accountId>', 'the AWS account of the consumer').argParser(
    shaped(AccountId, 'An account id has 12 digits, leading zeros included.'),
  );

export const endpointArgument = () =>
  new Argument('<endpointId>', "the consumer's endpoint, vpce-…").argParser(shaped(EndpointId, endpointForm));

export const newServiceArgument = () =>
  new Argument('<serviceId>', 'the endpoint service in EC2, vpce-svc-…').argParser(
    shaped(ServiceId, serviceForm),
  );

export const serviceArgument = () =>
  new Argument('<service>', 'the id of a service, or its own name').argParser(
    shaped(v.pipe(v.string(), v.nonEmpty()), ''),
  );

/** For the allowlist, where an entry may be for every service. */
export const requiredServiceOption = () =>
  new Option(
    '--service <service>',
    "the id of a service or its own name; '*' (in quotes) for every service",
  ).makeOptionMandatory();

export const oneEndpointOption = () =>
  new Option('--endpoint <endpointId>', 'only this endpoint').argParser(shaped(EndpointId, endpointForm));

export const serviceOption = () =>
  new Option('--service <service>', 'only this service, by its id or its own name');

export const onUnlistedOption = () =>
  new Option(
    '--on-unlisted <what>',
    'what to do with accounts that are not on the allowlist (default: ask)',
  ).choices(['ask', 'hold', 'reject']);

export const endpointOption = () =>
  new Option(
    '--endpoint <endpointId>',
    'only this endpoint, a person decides on others; may be repeated',
  ).argParser(several(EndpointId, endpointForm));

export const consumerRegionOption = () =>
  new Option('--consumer-region <region>', 'only endpoints in this Region; may be repeated').argParser(
    several(Place.entries.region, regionForm),
  );

export const maxEndpointsOption = () =>
  new Option(
    '--max-endpoints <n>',
    'how many endpoints the account may have; a person decides on more',
  ).argParser(wholeNumber);

export const groupArgument = () =>
  new Argument('<group>', 'the name of the group').argParser(
    shaped(GroupName, 'A group has letters, digits, dots, hyphens and underscores.'),
  );

export const slackChannelOption = () =>
  new Option('--slack-channel <id>', "the group's Slack channel, C…").argParser(
    shaped(SlackChannel, 'The id of a Slack channel looks like C0123456789.'),
  );

export const slackUserOption = () =>
  new Option('--slack-user <id>', 'a Slack user with their workspace, T…:U…; may be repeated').argParser(
    (text: string, before: readonly SlackUser[] = []): readonly SlackUser[] => {
      const [team, user, ...rest] = text.split(':');
      const named = v.safeParse(SlackUser, { team, user });
      if (!named.success || rest.length > 0)
        throw new InvalidArgumentError('A Slack user looks like T0123456789:U0123456789.');
      return [...before, named.output];
    },
  );

export const emailOption = () =>
  new Option('--email <address>', 'an e-mail address; may be repeated').argParser(
    several(Email, 'An e-mail address looks like alice@example.com.'),
  );

export const quorumOption = () =>
  new Option(
    '--quorum <n>',
    'how many different callers have to approve; one denial denies (default: 1)',
  ).argParser(wholeNumber);

export const expiresOption = () =>
  new Option(
    '--expires <when>',
    'a date (its end, UTC) such as 2027-01-31, a time from now such as 30d or 12h, or an ISO date-time',
  ).argParser(parseExpiry);

export const noteOption = () => new Option('--note <text>', 'why, for whoever reads it later');

export const stateOption = () =>
  new Option('--state <state>', 'only connections in this state in EC2').choices(connectionStates);

function wholeNumber(text: string): number {
  if (!/^[1-9]\d{0,5}$/.test(text)) throw new InvalidArgumentError('Give a whole number from 1.');
  return Number(text);
}

function shaped(schema: v.GenericSchema<string, string>, form: string) {
  return (text: string): string => {
    if (!v.is(schema, text)) throw new InvalidArgumentError(form);
    return text;
  };
}

function several(schema: v.GenericSchema<string, string>, form: string) {
  const one = shaped(schema, form);
  return (text: string, before: readonly string[] = []): readonly string[] => [...before, one(text)];
}
