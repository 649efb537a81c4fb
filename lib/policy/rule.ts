import type { AllowlistEntry } from '../allowlist/entry.ts';
import type { Connection } from '../privatelink/connection.ts';
import type { Service } from '../services/service.ts';
import type { Finding } from '../verdicts/verdict.ts';

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
  evaluate(request: Connection, policy: Policy, now: Date): Omit<Finding, 'rule'> | undefined;
}

/** The entry that counts for an account: the one for the service comes before the one for every service. */
export function effectiveEntry({ entries }: Pick<Policy, 'entries'>): AllowlistEntry | undefined {
  return entries[0];
}
