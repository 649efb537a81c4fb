import * as v from 'valibot';

/** What linkgate's API answers. Only what is printed for people is named; `--json` passes on the rest as it came. */
const text = v.nullish(v.string());

export const Service = v.looseObject({
  serviceId: v.string(),
  name: v.string(),
  serviceName: text,
  accountId: text,
  region: text,
  onUnlisted: v.string(),
  approvers: v.string(),
  acceptanceRequired: v.nullish(v.boolean()),
  registeredAt: text,
  registeredBy: text,
  drift: v.nullish(v.array(v.looseObject({ detail: v.string() }))),
});
export type Service = v.InferOutput<typeof Service>;

export const Entry = v.looseObject({
  service: text,
  serviceId: v.string(),
  accountId: v.string(),
  effect: v.picklist(['allow', 'block']),
  endpointIds: v.nullish(v.array(v.string())),
  consumerRegions: v.nullish(v.array(v.string())),
  maxEndpoints: v.nullish(v.number()),
  expiresAt: text,
  note: text,
});
export type Entry = v.InferOutput<typeof Entry>;

export const Connection = v.looseObject({
  service: text,
  serviceId: v.string(),
  endpointId: v.string(),
  ownerAccountId: v.string(),
  state: v.string(),
  verdict: text,
  decidedBy: text,
  reason: text,
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
  findings: v.nullish(v.array(Finding)),
});
export type Step = v.InferOutput<typeof Step>;

export const Explanation = v.looseObject({
  connection: v.looseObject({ ...Connection.entries, verdict: v.optional(v.unknown()) }),
  verdict: v.nullish(v.looseObject({ outcome: v.string(), findings: v.array(Finding) })),
  history: v.array(Step),
  next: text,
});
export type Explanation = v.InferOutput<typeof Explanation>;

export const Decision = v.looseObject({
  endpointId: v.string(),
  decision: v.picklist(['approve', 'deny']),
  by: v.string(),
  at: v.string(),
  reason: text,
});

export const Job = v.looseObject({
  jobId: v.string(),
  status: v.picklist(['running', 'succeeded', 'failed']),
  result: v.nullish(v.record(v.string(), v.unknown())),
  error: v.optional(v.unknown()),
});

export type Job = v.InferOutput<typeof Job>;

export const Done = v.looseObject({ done: v.array(v.string()) });
export const Warnings = v.nullish(v.array(v.string()));

const nextToken = v.nullish(v.string());
export const ServicePage = v.looseObject({ services: v.array(Service), nextToken });
export const EntryPage = v.looseObject({ entries: v.array(Entry), nextToken });
export const ConnectionPage = v.looseObject({ connections: v.array(Connection), nextToken });
