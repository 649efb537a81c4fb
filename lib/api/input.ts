import type { Context } from 'hono';
import * as v from 'valibot';
import { AllowlistEntry, MaxEndpoints } from '../allowlist/entry.ts';
import { Actor } from '../approvers/actor.ts';
import {
  DecisionChannels,
  defaultQuorum,
  GroupName,
  Quorum,
  SlackChannel,
  SlackUser,
} from '../approvers/approver-group.ts';
import { OptionalReason, requiredDecisionText } from '../connections/decision-text.ts';
import { Contact, CustomerName } from '../customers/customer.ts';
import { Mode } from '../mode/mode.ts';
import { PolicyDocument } from '../policy-as-code/document.ts';
import { AccountId, ConnectionState, EndpointId, ServiceId } from '../privatelink/connection.ts';
import { ServiceName, ServiceSettings } from '../services/service.ts';
import { Email } from '../values/email-address.ts';
import { describeIssue } from '../values/input-problems.ts';
import { Instant } from '../values/instant.ts';
import { WholeNumber } from '../values/whole-number.ts';
import { ApiError, invalidRequestError } from './api-error.ts';

const Principal = v.pipe(
  v.string(),
  v.regex(/^\S{1,2048}$/, 'a principal is an ARN, `*`, an account id or the name of an AWS service'),
);

/** Each schema of a request body is strict, so that a misspelt field is an error. */
export const RegisterInput = v.strictObject({
  serviceId: v.pipe(ServiceId, v.description('serviceId')),
  name: v.optional(ServiceName),
  ...ServiceSettings.entries,
  otherPrincipals: v.optional(v.pipe(v.array(Principal), v.maxLength(100))),
});

const { expiresAt, note, ...entryFields } = AllowlistEntry.entries;
const maxEndpointsInput = v.exactOptional(MaxEndpoints);
// The maximum length applies only to requests: linkgate reads an item of the table regardless of its length.
const endpointIds = v.exactOptional(v.pipe(entryFields.endpointIds.wrapped, v.maxLength(1000)));
const consumerRegions = v.exactOptional(v.pipe(entryFields.consumerRegions.wrapped, v.maxLength(100)));
const roles = v.exactOptional(v.pipe(entryFields.roles.wrapped, v.maxLength(100)));
const ownersInput = v.exactOptional(v.pipe(v.array(Actor), v.minLength(1), v.maxLength(100)));

/** A block takes no conditions: ignored conditions would block more than the author meant. */
export const EntryInput = v.variant('effect', [
  v.strictObject({
    effect: v.literal('allow'),
    endpointIds,
    consumerRegions,
    maxEndpoints: maxEndpointsInput,
    expiresAt,
    roles,
    owners: ownersInput,
    note,
  }),
  v.strictObject({ effect: v.literal('block'), owners: ownersInput, note }),
]);

const reason = v.exactOptional(OptionalReason);
/** Treats an empty reason as absent. */
function withoutEmptyReason<Input extends { readonly reason?: string }>(input: Input): Input {
  if (input.reason !== '') return input;
  const { reason: _empty, ...inputWithoutReason } = input;
  return inputWithoutReason as Input;
}

const ticket = v.exactOptional(requiredDecisionText('ticket', 'a ticket has an id'));

/** The message to the customer. */
const customerMessage = v.exactOptional(
  requiredDecisionText('customerMessage', 'a customer message is not empty'),
);

export const DecisionInput = v.pipe(
  v.variant('decision', [
    v.strictObject({ decision: v.literal('approve'), reason, ticket }),
    v.strictObject({
      decision: v.literal('deny'),
      reason: requiredDecisionText('reason', 'a denial needs a reason'),
      ticket,
      customerMessage,
    }),
  ]),
  v.transform(withoutEmptyReason),
);

export const RevocationInput = v.pipe(
  v.strictObject({ reason, now: v.exactOptional(v.boolean()), customerMessage }),
  v.transform(withoutEmptyReason),
);

export const ExtendInput = v.strictObject({
  until: Instant,
  reason: requiredDecisionText('reason', 'an extension needs a reason'),
});

/** The number of principals that the approver saw and that linkgate will remove from EC2. */
export const PrincipalsInput = v.strictObject({
  removals: WholeNumber(0, 100_000),
});

export const ModeInput = v.pipe(v.strictObject({ mode: Mode, reason }), v.transform(withoutEmptyReason));

/** A whole policy. `takeOwnership` takes over unmanaged objects; `allowRemovals` permits many removals. */
export const PlanInput = v.strictObject({
  document: PolicyDocument,
  takeOwnership: v.exactOptional(v.boolean()),
  allowRemovals: v.exactOptional(v.boolean()),
});

export const PauseInput = v.pipe(v.strictObject({ reason }), v.transform(withoutEmptyReason));

// An SNS filter policy compares addresses case-sensitively.
const EmailsInput = v.optional(v.pipe(v.array(v.pipe(Email, v.toLowerCase())), v.maxLength(100)), []);

/** Replaces the whole group, and removes absent fields. */
export const ApproversInput = v.strictObject({
  slackChannel: v.exactOptional(SlackChannel),
  slackUsers: v.optional(v.pipe(v.array(v.strictObject(SlackUser.entries)), v.maxLength(100)), []),
  emails: EmailsInput,
  quorum: v.optional(Quorum, defaultQuorum),
  decisionChannels: v.exactOptional(DecisionChannels),
  escalateTo: v.exactOptional(GroupName),
});

/** Replaces all recipients of operations notices. */
export const OperationsInput = v.strictObject({
  slackChannel: v.exactOptional(SlackChannel),
  emails: EmailsInput,
});

/** Replaces the whole customer, and removes absent fields. */
export const CustomerInput = v.strictObject({
  accounts: v.pipe(
    v.array(AccountId),
    v.minLength(1, 'a customer has an account at least'),
    v.maxLength(1000),
  ),
  contact: v.exactOptional(Contact),
  owners: ownersInput,
  contractEndsAt: v.exactOptional(Instant),
});

const singleLineField = (form: RegExp, message: string) =>
  v.exactOptional(v.pipe(v.string(), v.trim(), v.regex(form, message), v.maxLength(255)));

/** Secrets of the Slack app; an error message never contains the secret. */
export const SlackInput = v.pipe(
  v.strictObject({
    signingSecret: singleLineField(
      /^(?!xox)[\x21-\x7e]{16,}$/,
      "the signing secret is one word: in the app's settings, Basic Information",
    ),
    botToken: singleLineField(
      /^xoxb-[\x21-\x7e]+$/,
      "the bot token begins with xoxb-: in the app's settings, OAuth & Permissions",
    ),
    forgetPrevious: v.exactOptional(v.literal(true)),
  }),
  v.minEntries(1, 'send the signing secret, the bot token or both, or `forgetPrevious`'),
);

export const DryRunQuery = v.object({ dryRun: v.optional(v.picklist(['true', 'false'])) });

export const ServicesQuery = v.object({
  unregistered: v.optional(v.picklist(['true', 'false'])),
  nextToken: v.optional(v.string()),
});

/** The key of an item in the table. */
export const ItemQuery = v.object({
  pk: v.pipe(v.string(), v.minLength(1)),
  sk: v.pipe(v.string(), v.minLength(1)),
});

export const AuditQuery = v.object({
  endpoint: v.optional(EndpointId),
  service: v.optional(v.string()),
  nextToken: v.optional(v.string()),
});

export const AllowlistQuery = v.object({
  service: v.optional(v.string()),
  account: v.optional(AccountId),
});

export const ConnectionsQuery = v.object({
  service: v.optional(v.string()),
  account: v.optional(AccountId),
  state: v.optional(ConnectionState),
  waiting: v.optional(v.picklist(['true', 'false'])),
  differs: v.optional(v.picklist(['true', 'false'])),
  nextToken: v.optional(v.string()),
});

export { AccountId, CustomerName, EndpointId, GroupName };

/** @throws ApiError that names each invalid field and its problem. */
export function validateInput<const Schema extends v.GenericSchema>(
  schema: Schema,
  value: unknown,
  inputName: string,
): v.InferOutput<Schema> {
  const result = v.safeParse(schema, value, { message: describeInputIssue });
  if (result.success) return result.output;
  const problems = result.issues
    .slice(0, maxReportedProblems)
    .map((issue) => [v.getDotPath(issue), issue.message].filter(Boolean).join(': '));
  const omittedCount = result.issues.length - problems.length;
  const more = omittedCount > 0 ? `; and ${omittedCount} more` : '';
  // Only required texts have a `non_empty` check.
  if (result.issues.every(({ type }) => type === 'non_empty'))
    throw new ApiError(422, 'BlankText', `${problems.join('; ')}: write visible text`);
  throw invalidRequestError(`${inputName} is invalid: ${problems.join('; ')}${more}`);
}

/** The maximum number of problems in an error. */
const maxReportedProblems = 50;

/** Describes an issue for which the schema has no message. */
function describeInputIssue(issue: v.BaseIssue<unknown>): string {
  if (issue.received === 'undefined') return 'it is missing';
  if (issue.expected === 'never') return 'unknown field';
  return describeIssue(issue, { subject: 'it', map: 'an object' });
}

/**
 * Reads the JSON body. Replaces lone surrogates, which DynamoDB rejects, with U+FFFD.
 * @throws ApiError
 */
export async function readBody(context: Context): Promise<unknown> {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(await context.req.arrayBuffer());
    return JSON.parse(text, (_name, value) => (typeof value === 'string' ? value.toWellFormed() : value));
  } catch {
    throw invalidRequestError('the body is not JSON in UTF-8');
  }
}
