import * as v from 'valibot';
import { PolicyDocument } from '../../lib/policy-as-code/document.ts';
import { ManagedBy } from '../../lib/runtime/managed-by.ts';
import { nextToken, Warnings } from '../api-views.ts';

/** Responses of the API about policies. The schemas name only the fields that people see; `--json` passes on all fields. */
const { entriesFromList, looseObject, nullish } = v;
const text = nullish(v.string());
const Settings = nullish(v.record(v.string(), v.unknown()));

const unfinished = { by: v.string(), at: v.string(), done: v.number(), of: v.number() };

const Plan = looseObject({
  ...entriesFromList(['planId', 'stage', 'accountId', 'region'], v.string()),
  summary: looseObject(entriesFromList(['add', 'change', 'remove', 'conflicts', 'unmanaged'], v.number())),
  running: nullish(looseObject({ ...unfinished, leaseUntil: v.string() })),
  interrupted: nullish(looseObject(unfinished)),
});
export type Plan = v.InferOutput<typeof Plan>;
export const PlanResponse = looseObject({ plan: Plan, warnings: Warnings });

export const Change = looseObject({
  ...entriesFromList(['kind', 'action', 'name'], v.string()),
  ...entriesFromList(['service', 'serviceId', 'customer'], text),
  before: Settings,
  after: Settings,
  ...entriesFromList(['managedBy', 'changedBy', 'note'], text),
});
export type Change = v.InferOutput<typeof Change>;

const ConnectionEffect = looseObject({
  ...entriesFromList(['effect', 'endpointId', 'service', 'ownerAccountId'], v.string()),
  customer: text,
  ...entriesFromList(['state', 'reason'], v.string()),
  at: text,
});
export type ConnectionEffect = v.InferOutput<typeof ConnectionEffect>;
export const EffectPage = looseObject({ nextToken, effects: v.array(ConnectionEffect), looked: v.number() });

export const ApplyResponse = looseObject({
  apply: looseObject({ status: v.picklist(['running', 'done']), done: v.number(), of: v.number() }),
});
export type Apply = v.InferOutput<typeof ApplyResponse>['apply'];

const ChangedVerdict = looseObject({
  ...entriesFromList(['endpointId', 'service', 'ownerAccountId'], v.string()),
  customer: text,
  ...entriesFromList(['requestedAt', 'was', 'would', 'reason'], v.string()),
});
export type ChangedVerdict = v.InferOutput<typeof ChangedVerdict>;
export const SimulationPage = looseObject({
  nextToken,
  requests: v.array(ChangedVerdict),
  looked: v.number(),
});

const { groups, services, customers, entries } = PolicyDocument.entries;
const [allow, block] = entries.item.options;
const managed = { managedBy: v.optional(ManagedBy, 'person') };

/** A page of the exported policy as a document. The schema refuses an unknown field, because the file would lose it. */
export const PolicyPage = looseObject({
  nextToken,
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
});
