import { describe, expect, test } from '@jest/globals';
import type { AllowlistEntry } from '../../lib/allowlist/entry.ts';
import type { Policy } from '../../lib/policy/rule.ts';
import type { Connection } from '../../lib/privatelink/connection.ts';
import type { Finding } from '../../lib/verdicts/verdict.ts';
import { connectionRules } from '../../rules/connection/index.ts';
import {
  alice,
  anEntry,
  aPolicy,
  aRequest,
  aService,
  consumer,
  endpointId,
  noon,
  secondsAfterNoon,
} from '../builders.ts';

const at = noon.toISOString();
const later = secondsAfterNoon(1).toISOString();
const entry = (...fields: Partial<AllowlistEntry>[]): Partial<Policy> => ({ entries: fields.map(anEntry) });
const blocked = { effect: 'block' } as const;
const everywhere = { serviceId: '*' } as const;
const service = (fields: Parameters<typeof aService>[0]): Partial<Policy> => ({ service: aService(fields) });
const counted = (maxEndpoints: number | undefined, ...numbers: number[]): Partial<Policy> => ({
  ...entry(maxEndpoints === undefined ? {} : { maxEndpoints }),
  countedEndpointIds: numbers.map(endpointId),
});

interface Case {
  readonly when: string;
  readonly policy?: Partial<Policy>;
  readonly request?: Partial<Connection>;
  /** The finding: its outcome and reason. Absent if the rule has none. */
  readonly finds?: readonly [Finding['outcome'], reason: string, until?: string];
}

const cases: Readonly<Record<string, readonly Case[]>> = {
  'service-is-paused': [
    {
      when: 'at a paused service',
      policy: service({ pausedAt: at }),
      finds: ['hold', `orders is paused since ${at}`],
    },
    {
      when: 'at a service that somebody paused for a reason',
      policy: service({ pausedAt: at, pausedBy: alice, pauseReason: 'incident 7' }),
      finds: ['hold', `orders is paused since ${at} by ${alice}: incident 7`],
    },
    { when: 'at a service that is not paused' },
  ],
  'service-is-deregistering': [
    {
      when: 'at a service that is being deregistered',
      policy: service({ deregisteringAt: at, deregisteringBy: alice }),
      finds: ['reject', `orders is being deregistered since ${at} by ${alice}`],
    },
    { when: 'at any other service' },
  ],
  'account-is-blocked': [
    {
      when: 'of an account that is blocked at the service',
      policy: entry(blocked),
      finds: ['reject', `account ${consumer} is blocked at orders`],
    },
    {
      when: 'of an account that is blocked at every service, even if an entry allows it at this service',
      policy: entry({}, { ...blocked, ...everywhere }),
      finds: ['reject', `account ${consumer} is blocked at every service`],
    },
    { when: 'of an account without an entry' },
    { when: 'of an allowed account', policy: entry({}) },
  ],
  'endpoint-is-not-named': [
    {
      when: 'for an endpoint that the entry does not name',
      policy: entry({ endpointIds: [endpointId(2)] }),
      finds: ['ask', `the entry of account ${consumer} does not allow the endpoint ${endpointId(1)}`],
    },
    { when: 'for a named endpoint', policy: entry({ endpointIds: [2, 1].map(endpointId) }) },
    { when: 'with an entry without endpoints', policy: entry({}) },
  ],
  'consumer-region-is-not-named': [
    {
      when: 'from a Region that the entry does not name',
      policy: entry({ consumerRegions: ['us-east-1'] }),
      request: { endpointRegion: 'eu-west-1' },
      finds: ['ask', `the entry of account ${consumer} does not allow the consumer Region eu-west-1`],
    },
    {
      when: 'from a Region that EC2 does not return, if the entry names Regions',
      policy: entry({ consumerRegions: ['us-east-1'] }),
      finds: ['ask', `the entry of account ${consumer} does not allow an unknown consumer Region`],
    },
    {
      when: 'from a named Region',
      policy: entry({ consumerRegions: ['eu-west-1', 'us-east-1'] }),
      request: { endpointRegion: 'us-east-1' },
    },
    { when: 'with an entry without Regions', policy: entry({}), request: { endpointRegion: 'us-east-1' } },
  ],
  'entry-has-expired': [
    {
      when: 'from the time at which the entry expires',
      policy: entry({ expiresAt: at }),
      finds: ['ask', `the entry of account ${consumer} expired at ${at}`],
    },
    { when: 'before that time', policy: entry({ expiresAt: later }) },
    { when: 'with an entry that does not expire', policy: entry({}) },
  ],
  'max-endpoints-reached': [
    {
      when: 'over the limit of the entry',
      policy: counted(2, 2, 3),
      finds: ['ask', `account ${consumer} has 2 of the 2 endpoints that its entry allows`],
    },
    {
      when: 'for one of the newest endpoints after the limit was lowered',
      policy: counted(1, 3, 2, 1),
      finds: ['ask', `account ${consumer} has 2 earlier endpoints, and its entry allows 1`],
    },
    { when: 'for the last endpoint within the limit', policy: counted(2, 2) },
    { when: 'for the last endpoint within the limit, which counts already', policy: counted(3, 3, 2, 1) },
    { when: 'for an endpoint that only it itself counts towards', policy: counted(1, 1) },
    { when: 'with an entry without a limit', policy: counted(undefined, 2, 3) },
  ],
  'account-is-allowed': [
    {
      when: 'of an account that is allowed at the service',
      policy: entry({}),
      finds: ['accept', `account ${consumer} is allowed at orders`],
    },
    {
      when: 'of an account that is allowed at every service',
      policy: entry(everywhere),
      finds: ['accept', `account ${consumer} is allowed at every service`],
    },
    {
      when: 'of an account whose entry names its customer',
      policy: entry({ customer: 'initech' }),
      finds: ['accept', `account ${consumer} (initech) is allowed at orders`],
    },
    {
      when: 'of an account whose entry expires',
      policy: entry({ expiresAt: later }),
      finds: ['accept', `account ${consumer} is allowed at orders`, later],
    },
    {
      when: 'if the entry at the service blocks, even if the entry at every service allows',
      policy: entry(blocked, everywhere),
    },
    { when: 'of an account without an entry' },
  ],
};

test('the rules evaluate in this order', () => {
  expect(connectionRules.map(({ name }) => name)).toEqual(Object.keys(cases));
});

describe.each(connectionRules)('the rule $name for a request', ({ name, evaluate }) => {
  test.each(cases[name] ?? [])('$when', ({ policy, request, finds }) => {
    const [outcome, reason, until] = finds ?? [];
    expect(evaluate(aRequest(request), aPolicy(policy), noon)).toEqual(
      finds && { outcome, reason, ...(until !== undefined && { until }) },
    );
  });
});
