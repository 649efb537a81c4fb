import type { Rule } from '../../lib/policy/rule.ts';
import { accountIsAllowed } from './account-is-allowed.ts';
import { accountIsBlocked } from './account-is-blocked.ts';
import { consumerRegionIsNotNamed } from './consumer-region-is-not-named.ts';
import { endpointIsNotNamed } from './endpoint-is-not-named.ts';
import { entryHasExpired } from './entry-has-expired.ts';
import { maxEndpointsReached } from './max-endpoints-reached.ts';
import { serviceIsDeregistering } from './service-is-deregistering.ts';
import { serviceIsPaused } from './service-is-paused.ts';

/** The rules for connection requests, in the order of their findings. */
export const connectionRules: readonly Rule[] = [
  serviceIsPaused,
  serviceIsDeregistering,
  accountIsBlocked,
  endpointIsNotNamed,
  consumerRegionIsNotNamed,
  entryHasExpired,
  maxEndpointsReached,
  accountIsAllowed,
];
