import * as v from 'valibot';

/** Responses of the API. The schemas name only the fields that people see; `--json` passes on all fields. */
const { entriesFromList, looseObject, nullish } = v;
const text = nullish(v.string());
const list = nullish(v.array(v.string()));
const changeFields = entriesFromList(['managedBy', 'changedAt', 'changedBy'], text);

export const Service = looseObject({
  ...entriesFromList(['serviceId', 'name'], v.string()),
  ...entriesFromList(['serviceName', 'accountId', 'region'], text),
  ...entriesFromList(['onUnlisted', 'approvers'], v.string()),
  requireTicket: nullish(v.boolean()),
  deadlineSeconds: nullish(v.number()),
  onExpiry: text,
  graceSeconds: nullish(v.number()),
  ...entriesFromList(['onExternalAccept', 'principals'], text),
  otherPrincipals: list,
  principalsApproval: nullish(looseObject({ by: v.string(), at: v.string() })),
  ...entriesFromList(['managedBy', 'deregisteringAt', 'deregisteringBy'], text),
  acceptanceRequired: nullish(v.boolean()),
  ...entriesFromList(['pausedAt', 'pausedBy', 'pauseReason'], text),
  ...entriesFromList(['registeredAt', 'registeredBy', 'checkedAt'], text),
  drift: nullish(v.array(looseObject({ detail: v.string() }))),
});
export type Service = v.InferOutput<typeof Service>;
export const ServiceResponse = looseObject({ service: Service });

export const UnregisteredService = looseObject({
  serviceId: v.string(),
  name: text,
  region: v.string(),
  acceptanceRequired: v.boolean(),
  state: v.string(),
});
export type UnregisteredService = v.InferOutput<typeof UnregisteredService>;

export const Entry = looseObject({
  service: text,
  ...entriesFromList(['serviceId', 'accountId'], v.string()),
  effect: v.picklist(['allow', 'block']),
  ...entriesFromList(['endpointIds', 'consumerRegions'], list),
  maxEndpoints: nullish(v.number()),
  expiresAt: text,
  ...entriesFromList(['owners', 'roles'], list),
  ...entriesFromList(['customer', 'managedBy', 'note'], text),
});
export type Entry = v.InferOutput<typeof Entry>;

export const Connection = looseObject({
  service: text,
  ...entriesFromList(['serviceId', 'endpointId', 'ownerAccountId'], v.string()),
  customer: text,
  state: v.string(),
  ...entriesFromList(['verdict', 'decidedBy', 'reason', 'status', 'deadline', 'nextStep'], text),
  ...entriesFromList(['differs', 'disconnectAt', 'endpointRegion', 'requestedAt'], text),
});
export type Connection = v.InferOutput<typeof Connection>;

const Finding = looseObject(entriesFromList(['rule', 'outcome', 'reason'], v.string()));

const Step = looseObject({
  ...entriesFromList(['time', 'actor', 'action'], v.string()),
  ...entriesFromList(['outcome', 'state', 'reason', 'ticket', 'customerMessage', 'disconnectAt'], text),
  entry: nullish(looseObject({ effect: v.picklist(['allow', 'block']), expiresAt: text })),
  findings: nullish(v.array(Finding)),
});
export type Step = v.InferOutput<typeof Step>;

export const Explanation = looseObject({
  connection: looseObject({ ...Connection.entries, verdict: v.optional(v.unknown()) }),
  verdict: nullish(looseObject({ outcome: v.string(), findings: v.array(Finding) })),
  history: v.array(Step),
});
export type Explanation = v.InferOutput<typeof Explanation>;

export const Decision = looseObject({
  endpointId: v.string(),
  decision: v.picklist(['approve', 'deny']),
  ...entriesFromList(['by', 'at'], v.string()),
  ...entriesFromList(['reason', 'state', 'verdict'], text),
  ...entriesFromList(['approvals', 'quorum'], nullish(v.number())),
});
export type Decision = v.InferOutput<typeof Decision>;

export const Revocation = looseObject({
  ...entriesFromList(['endpointId', 'ownerAccountId'], v.string()),
  ...entriesFromList(['verdict', 'reason', 'since', 'disconnectAt'], text),
  extended: nullish(looseObject({ by: v.string(), until: v.string() })),
});
export type Revocation = v.InferOutput<typeof Revocation>;

export const PrincipalsView = looseObject({
  principals: v.string(),
  missing: v.array(v.string()),
  extra: v.array(v.string()),
});

export const ModeView = looseObject({
  mode: v.string(),
  ...entriesFromList(['since', 'by', 'reason'], text),
});
export type ModeView = v.InferOutput<typeof ModeView>;

export const OperationsView = looseObject({
  slackChannel: text,
  emails: v.array(v.string()),
  changedAt: text,
  changedBy: text,
});
export type OperationsView = v.InferOutput<typeof OperationsView>;

export const ApproverGroup = looseObject({
  name: v.string(),
  quorum: v.number(),
  slackChannel: text,
  slackUsers: v.array(looseObject({ team: v.string(), user: v.string() })),
  emails: v.array(v.string()),
  ...entriesFromList(['decisionChannels', 'escalateTo'], text),
  ...changeFields,
});
export type ApproverGroup = v.InferOutput<typeof ApproverGroup>;

export const Customer = looseObject({
  name: v.string(),
  accounts: v.array(v.string()),
  contact: nullish(looseObject({ email: text, topicArn: text })),
  owners: list,
  contractEndsAt: text,
  ...changeFields,
  delivery: nullish(looseObject({ status: v.string(), detail: text })),
});
export type Customer = v.InferOutput<typeof Customer>;

export const Job = looseObject({
  jobId: v.string(),
  status: v.picklist(['running', 'succeeded']),
  result: nullish(v.record(v.string(), v.unknown())),
});
export type Job = v.InferOutput<typeof Job>;

export const SlackManifest = looseObject({ manifest: v.record(v.string(), v.unknown()) });
export const SlackConnection = looseObject({ team: text, bot: text, scopes: list });
export type SlackConnection = v.InferOutput<typeof SlackConnection>;

export const SetupResponse = looseObject({ done: v.array(v.string()) });
export const Warnings = list;
export const nextToken = text;

export const Check = looseObject({
  ...entriesFromList(['group', 'name'], v.string()),
  subject: text,
  status: v.picklist(['ok', 'warning', 'failed']),
  detail: v.string(),
  remedy: text,
});
export type Check = v.InferOutput<typeof Check>;

export const VerificationPage = looseObject({
  nextToken,
  verified: v.number(),
  broken: v.array(looseObject({ endpointId: v.string(), sequence: v.number(), problem: v.string() })),
});
