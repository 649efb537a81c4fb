import * as v from 'valibot';
import { PolicyDocument } from '../../lib/policy-as-code/document.ts';
import { ManagedBy } from '../../lib/runtime/managed-by.ts';
import { Warnings } from '../api-views.ts';

/** Responses of the API about policies. The schemas name only the fields that people see; `--json` passes on all fields. */
const text = v.nullish(v.string());
const nextToken = text;
const Settings = v.nullish(v.record(v.string(), v.unknown()));

const unfinished = { by: v.string(), at: v.string(), done: v.number(), of: v.number() };

const Plan = v.looseObject({
  planId: v.string(),
  stage: v.string(),
  accountId: v.string(),
  region: v.string(),
  summary: v.looseObject({
    add: v.number(),
    change: v.number(),
    remove: v.number(),
    conflicts: v.number(),
    unmanaged: v.number(),
  }),
  running: v.nullish(v.looseObject({ ...unfinished, leaseUntil: v.string() })),
  interrupted: v.nullish(v.looseObject(unfinished)),
});
export type Plan = v.InferOutput<typeof Plan>;
export const PlanResponse = v.looseObject({ plan: Plan, warnings: Warnings });

const Change = v.looseObject({
  kind: v.string(),
  action: v.string(),
  name: v.string(),
  service: text,
  serviceId: text,
  customer: text,
  before: Settings,
  after: Settings,
  managedBy: text,
  changedBy: text,
  note: text,
});
export type Change = v.InferOutput<typeof Change>;
export const ChangePage = v.looseObject({ changes: v.array(Change), nextToken });

const ConnectionEffect = v.looseObject({
  effect: v.string(),
  endpointId: v.string(),
  service: v.string(),
  ownerAccountId: v.string(),
  customer: text,
  state: v.string(),
  reason: v.string(),
  at: text,
});
export type ConnectionEffect = v.InferOutput<typeof ConnectionEffect>;
export const EffectPage = v.looseObject({
  effects: v.array(ConnectionEffect),
  looked: v.number(),
  nextToken,
});

export const ApplyResponse = v.looseObject({
  apply: v.looseObject({ status: v.picklist(['running', 'done']), done: v.number(), of: v.number() }),
  warnings: v.nullish(v.array(v.string())),
});
export type Apply = v.InferOutput<typeof ApplyResponse>['apply'];

const ChangedVerdict = v.looseObject({
  endpointId: v.string(),
  service: v.string(),
  ownerAccountId: v.string(),
  customer: text,
  requestedAt: v.string(),
  was: v.string(),
  would: v.string(),
  reason: v.string(),
});
export type ChangedVerdict = v.InferOutput<typeof ChangedVerdict>;
export const SimulationPage = v.looseObject({
  requests: v.array(ChangedVerdict),
  looked: v.number(),
  nextToken,
});

const { groups, services, customers, entries } = PolicyDocument.entries;
const [allow, block] = entries.item.options;
const managed = { managedBy: v.optional(ManagedBy, 'person') };

/** A page of the exported policy as a document. The schema refuses an unknown field, because the file would lose it. */
export const PolicyPage = v.looseObject({
  document: v.object({
    groups: v.array(v.strictObject({ ...groups.item.entries, ...managed })),
    services: v.array(v.strictObject({ ...services.item.entries, ...managed })),
    customers: v.array(v.strictObject({ ...customers.item.entries, ...managed })),
    entries: v.array(
      v.variant('effect', [
        v.strictObject({ ...allow.entries, ...managed }),
        v.strictObject({ ...block.entries, ...managed }),
      ]),
    ),
  }),
  nextToken,
});
