import * as v from 'valibot';
import type { AllowlistEntry } from '../allowlist/entry.ts';
import type { Connection } from '../connection/connection.ts';
import type { Service } from '../service/service.ts';

export const Outcome = v.picklist(['accept', 'reject', 'ask', 'wait']);
export type Outcome = v.InferOutput<typeof Outcome>;

/** What a rule says of a request, in words that an approver can read. */
export const Finding = v.object({
  rule: v.string(),
  outcome: Outcome,
  reason: v.string(),
  /** The rule itself broke. */
  failed: v.exactOptional(v.literal(true)),
  /** ISO 8601: after this the finding no longer holds, and the request is decided anew. */
  until: v.exactOptional(v.string()),
});
export type Finding = v.InferOutput<typeof Finding>;

/** All that a decision rests on beside the request itself. */
export interface Policy {
  readonly service: Service;
  /** The entry for this account at this service, then the one at every service (`*`). */
  readonly entries: readonly AllowlistEntry[];
  /** Endpoints of the account that count against its entry's `maxEndpoints`. */
  readonly countedEndpointIds: readonly string[];
  readonly rules: readonly Rule[];
}

export interface Rule {
  /** Finishes the sentence "it was decided so because …". */
  readonly name: string;
  /** Speaks only when there is something to say. Reads no clock, environment or network. */
  examine(request: Connection, policy: Policy, now: Date): Omit<Finding, 'rule'> | undefined;
}

/** The entry that counts for an account: the one for the service comes before the one for every service. */
export function entryThatCounts({ entries }: Pick<Policy, 'entries'>): AllowlistEntry | undefined {
  return entries[0];
}
