import type { Rule } from '../../lib/policy/rule.ts';
import { accountHasItsEndpoints } from './account-has-its-endpoints.ts';
import { accountIsAllowed } from './account-is-allowed.ts';
import { accountIsBlocked } from './account-is-blocked.ts';
import { consumerRegionIsNotNamed } from './consumer-region-is-not-named.ts';
import { endpointIsNotNamed } from './endpoint-is-not-named.ts';
import { entryHasExpired } from './entry-has-expired.ts';
import { serviceIsClosing } from './service-is-closing.ts';
import { serviceIsPaused } from './service-is-paused.ts';

/** What is asked of each connection request, in the order in which it is told. */
export const connectionRules: readonly Rule[] = [
  serviceIsPaused,
  serviceIsClosing,
  accountIsBlocked,
  endpointIsNotNamed,
  consumerRegionIsNotNamed,
  entryHasExpired,
  accountHasItsEndpoints,
  accountIsAllowed,
];
