import type { AccountEntries } from '../allowlist/effective-entry.ts';
import type { Connection } from '../privatelink/connection.ts';
import type { Service } from '../services/service.ts';
import type { Finding } from '../verdicts/verdict.ts';

/** The inputs of a decision besides the request. */
export interface Policy {
  readonly service: Service;
  readonly entries: AccountEntries;
  /** The endpoints of the account that count towards its entry's `maxEndpoints`. */
  readonly countedEndpointIds: readonly string[];
  readonly rules: readonly Rule[];
}

export interface Rule {
  /** Completes the sentence "it was decided so because …". */
  readonly name: string;
  /** Returns undefined if the rule does not match. Reads no clock, environment or network. */
  evaluate(request: Connection, policy: Policy, now: Date): Omit<Finding, 'rule'> | undefined;
}
