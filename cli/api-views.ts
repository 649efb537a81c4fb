import * as v from 'valibot';

/** Responses of the API. The schemas name only the fields that people see; `--json` passes on all fields. */
const text = v.nullish(v.string());

export const Service = v.looseObject({
  serviceId: v.string(),
  name: v.string(),
  serviceName: text,
  accountId: text,
  region: text,
  onUnlisted: v.string(),
  approvers: v.string(),
  requireTicket: v.nullish(v.boolean()),
  deadlineSeconds: v.nullish(v.number()),
  onExpiry: text,
  graceSeconds: v.nullish(v.number()),
  onExternalAccept: text,
  principals: text,
  otherPrincipals: v.nullish(v.array(v.string())),
  principalsApproval: v.nullish(v.looseObject({ by: v.string(), at: v.string() })),
  managedBy: text,
  deregisteringAt: text,
  deregisteringBy: text,
  acceptanceRequired: v.nullish(v.boolean()),
  pausedAt: text,
  pausedBy: text,
  pauseReason: text,
  registeredAt: text,
  registeredBy: text,
  checkedAt: text,
  drift: v.nullish(v.array(v.looseObject({ detail: v.string() }))),
});
export type Service = v.InferOutput<typeof Service>;

export const UnregisteredService = v.looseObject({
  serviceId: v.string(),
  name: text,
  region: v.string(),
  acceptanceRequired: v.boolean(),
  state: v.string(),
});
export type UnregisteredService = v.InferOutput<typeof UnregisteredService>;

export const Entry = v.looseObject({
  service: text,
  serviceId: v.string(),
  accountId: v.string(),
  effect: v.picklist(['allow', 'block']),
  endpointIds: v.nullish(v.array(v.string())),
  consumerRegions: v.nullish(v.array(v.string())),
  maxEndpoints: v.nullish(v.number()),
  expiresAt: text,
  owners: v.nullish(v.array(v.string())),
  roles: v.nullish(v.array(v.string())),
  customer: text,
  managedBy: text,
  note: text,
});
export type Entry = v.InferOutput<typeof Entry>;

export const Connection = v.looseObject({
  service: text,
  serviceId: v.string(),
  endpointId: v.string(),
  ownerAccountId: v.string(),
  customer: text,
  state: v.string(),
  verdict: text,
  decidedBy: text,
  reason: text,
  status: text,
  deadline: text,
  nextStep: text,
  differs: text,
  disconnectAt: text,
  endpointRegion: text,
  requestedAt: text,
});
export type Connection = v.InferOutput<typeof Connection>;

const Finding = v.looseObject({ rule: v.string(), outcome: v.string(), reason: v.string() });

const Step = v.looseObject({
  time: v.string(),
  actor: v.string(),
  action: v.string(),
  outcome: text,
  state: text,
  reason: text,
  ticket: text,
  customerMessage: text,
  disconnectAt: text,
  entry: v.nullish(v.looseObject({ effect: v.picklist(['allow', 'block']), expiresAt: text })),
  findings: v.nullish(v.array(Finding)),
});
export type Step = v.InferOutput<typeof Step>;

export const Explanation = v.looseObject({
  connection: v.looseObject({ ...Connection.entries, verdict: v.optional(v.unknown()) }),
  verdict: v.nullish(v.looseObject({ outcome: v.string(), findings: v.array(Finding) })),
  history: v.array(Step),
  warnings: v.nullish(v.array(v.string())),
});
export type Explanation = v.InferOutput<typeof Explanation>;

export const Decision = v.looseObject({
  endpointId: v.string(),
  decision: v.picklist(['approve', 'deny']),
  by: v.string(),
  at: v.string(),
  reason: text,
  state: text,
  verdict: text,
  approvals: v.nullish(v.number()),
  quorum: v.nullish(v.number()),
});
export type Decision = v.InferOutput<typeof Decision>;

export const Revocation = v.looseObject({
  endpointId: v.string(),
  ownerAccountId: v.string(),
  verdict: text,
  reason: text,
  since: text,
  disconnectAt: text,
  extended: v.nullish(v.looseObject({ by: v.string(), until: v.string() })),
});
export type Revocation = v.InferOutput<typeof Revocation>;

export const PrincipalsView = v.looseObject({
  principals: v.string(),
  missing: v.array(v.string()),
  extra: v.array(v.string()),
});
export type PrincipalsView = v.InferOutput<typeof PrincipalsView>;

export const ModeView = v.looseObject({ mode: v.string(), since: text, by: text, reason: text });
export type ModeView = v.InferOutput<typeof ModeView>;

export const OperationsView = v.looseObject({
  slackChannel: text,
  emails: v.array(v.string()),
  changedAt: text,
  changedBy: text,
});
export type OperationsView = v.InferOutput<typeof OperationsView>;

export const ApproverGroup = v.looseObject({
  name: v.string(),
  quorum: v.number(),
  slackChannel: text,
  slackUsers: v.array(v.looseObject({ team: v.string(), user: v.string() })),
  emails: v.array(v.string()),
  decisionChannels: text,
  escalateTo: text,
  managedBy: text,
  changedAt: text,
  changedBy: text,
});
export type ApproverGroup = v.InferOutput<typeof ApproverGroup>;

export const Customer = v.looseObject({
  name: v.string(),
  accounts: v.array(v.string()),
  contact: v.nullish(v.looseObject({ email: text, topicArn: text })),
  owners: v.nullish(v.array(v.string())),
  contractEndsAt: text,
  managedBy: text,
  changedAt: text,
  changedBy: text,
  delivery: v.nullish(v.looseObject({ status: v.string(), detail: text })),
});
export type Customer = v.InferOutput<typeof Customer>;

export const Job = v.looseObject({
  jobId: v.string(),
  status: v.picklist(['running', 'succeeded']),
  result: v.nullish(v.record(v.string(), v.unknown())),
});

export type Job = v.InferOutput<typeof Job>;

export const SlackManifest = v.looseObject({ manifest: v.record(v.string(), v.unknown()) });

export const SetupResponse = v.looseObject({ done: v.array(v.string()) });
export const Warnings = v.nullish(v.array(v.string()));

export const SlackConnection = v.looseObject({
  team: text,
  bot: text,
  scopes: v.nullish(v.array(v.string())),
  warnings: Warnings,
});
export type SlackConnection = v.InferOutput<typeof SlackConnection>;

const Check = v.looseObject({
  group: v.string(),
  name: v.string(),
  subject: text,
  status: v.picklist(['ok', 'warning', 'failed']),
  detail: v.string(),
  remedy: text,
});
export type Check = v.InferOutput<typeof Check>;

const nextToken = v.nullish(v.string());
export const CheckPage = v.looseObject({ checks: v.array(Check), nextToken });
export const VerificationPage = v.looseObject({
  verified: v.number(),
  broken: v.array(v.looseObject({ endpointId: v.string(), sequence: v.number(), problem: v.string() })),
  nextToken,
});
export const UnregisteredPage = v.looseObject({ services: v.array(UnregisteredService), nextToken });
export const ServicePage = v.looseObject({ services: v.array(Service), nextToken });
export const EntryPage = v.looseObject({ entries: v.array(Entry), nextToken });
export const ConnectionPage = v.looseObject({ connections: v.array(Connection), nextToken });
export const CustomerPage = v.looseObject({ customers: v.array(Customer), nextToken });
export const GroupPage = v.looseObject({ groups: v.array(ApproverGroup), nextToken });
