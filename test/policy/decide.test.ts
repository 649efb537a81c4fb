import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { PersonDecision } from '../../lib/connections/person-decision.ts';
import { decide } from '../../lib/policy/decide.ts';
import type { Policy, Rule } from '../../lib/policy/rule.ts';
import { Outcome, primaryReason } from '../../lib/verdicts/verdict.ts';
import { connectionRules } from '../../rules/connection/index.ts';
import {
  alice,
  anApproval,
  anEntry,
  aPolicy,
  aRequest,
  aService,
  consumer,
  endpointId,
  noon,
  secondsAfterNoon,
} from '../builders.ts';

const paused = aService({ pausedAt: '2026-11-21T11:00:00.000Z' });

/** A rule with a fixed outcome. */
function createRule(outcome: Outcome, until?: Date): Rule {
  return {
    name: `says-${outcome}`,
    evaluate: () => ({ outcome, reason: outcome, ...(until && { until: until.toISOString() }) }),
  };
}

const expiring = (expiresAt: string) => ({ entries: [anEntry({ expiresAt })] });
const block = anEntry({ effect: 'block' });
const narrow = anEntry({ endpointIds: [endpointId(2)] });
const denial = anApproval({ decision: 'deny', reason: 'not this year' });

describe('a request', () => {
  test.each<[string, Partial<Policy>, PersonDecision | undefined, Outcome, reason?: string]>([
    ['of an allowed account', { entries: [anEntry()] }, undefined, 'accept'],
    [
      'of an account that a person approved, although a rule asks',
      { entries: [narrow] },
      anApproval(),
      'accept',
    ],
    [
      'that a person denied, although the allowlist allows the account',
      { entries: [anEntry()] },
      denial,
      'reject',
      `${alice} denied it: not this year`,
    ],
    [
      'that a person approved, with an entry that has expired',
      expiring('2026-11-01T00:00:00.000Z'),
      anApproval(),
      'accept',
      `${alice} approved it`,
    ],
    [
      'that a person approved, with an entry that will expire',
      expiring('2026-12-01T00:00:00.000Z'),
      anApproval(),
      'accept',
    ],
    ['that a person approved, while the service is paused', { service: paused }, anApproval(), 'hold'],
    ['of a blocked account at a paused service', { service: paused, entries: [block] }, undefined, 'hold'],
  ])('%s has its verdict', (...[, policy, decision, outcome, reason]) => {
    const verdict = decide(aRequest(), aPolicy(policy), decision, noon);
    expect(verdict.outcome).toBe(outcome);
    if (reason !== undefined) expect(primaryReason(verdict)).toBe(reason);
    // A person's decision does not expire.
    expect(verdict).not.toHaveProperty('until');
  });

  test.each(['ask', 'hold', 'reject'] as const)(
    'of an account without an entry has the verdict %s if `onUnlisted` says so, and a person can approve it',
    (onUnlisted) => {
      const policy = aPolicy({ service: aService({ onUnlisted }) });
      const reason = `account ${consumer} is not on the allowlist of orders`;
      expect(decide(aRequest(), policy, undefined, noon)).toEqual({
        outcome: onUnlisted,
        findings: [{ rule: 'account-is-not-listed', outcome: onUnlisted, reason }],
      });
      expect(decide(aRequest(), policy, anApproval(), noon).outcome).toBe('accept');
    },
  );

  test('that a person decided has their decision as its first finding, since it determines the outcome', () => {
    const policy = aPolicy(expiring('2026-11-01T00:00:00.000Z'));
    const { findings } = decide(aRequest(), policy, anApproval(), noon);
    const rules = ['person-approved', 'entry-has-expired', 'account-is-allowed'];
    expect(findings.map(({ rule }) => rule)).toEqual(rules);
  });
});

describe('the verdict of several findings', () => {
  test.each([
    { outcomes: ['accept', 'ask', 'reject', 'hold'], outcome: 'hold' },
    { outcomes: ['accept', 'ask', 'reject'], outcome: 'reject' },
    { outcomes: ['accept', 'ask'], outcome: 'ask' },
    { outcomes: ['accept'], outcome: 'accept' },
  ] as const)('is $outcome if their outcomes are $outcomes', ({ outcomes, outcome }) => {
    const rules = outcomes.map((each) => createRule(each));
    expect(decide(aRequest(), aPolicy({ rules }), undefined, noon).outcome).toBe(outcome);
  });

  test('expires with the first of the findings that determine it', () => {
    const rules = [
      createRule('accept', secondsAfterNoon(60)),
      createRule('ask', secondsAfterNoon(30)),
      createRule('ask', secondsAfterNoon(20)),
    ];
    const { until } = decide(aRequest(), aPolicy({ rules }), undefined, noon);
    expect(until).toBe(secondsAfterNoon(20).toISOString());
  });
});

describe('a rule that throws', () => {
  const broken: Rule = {
    name: 'is-broken',
    evaluate() {
      throw new TypeError('no such field');
    },
  };

  test('puts the request on hold for a minute, with the reason', () => {
    const verdict = decide(aRequest(), aPolicy({ rules: [broken] }), undefined, noon);
    const until = secondsAfterNoon(60).toISOString();
    expect(verdict).toEqual({
      outcome: 'hold',
      findings: [
        {
          rule: 'is-broken',
          outcome: 'hold',
          failed: true,
          reason: 'the rule failed: no such field',
          until,
        },
      ],
      until,
    });
  });

  test('keeps the request on hold although another rule accepts and a person approved', () => {
    const policy = aPolicy({ rules: [broken, createRule('accept')] });
    expect(decide(aRequest(), policy, anApproval(), noon).outcome).toBe('hold');
  });
});

describe('for any input', () => {
  const time = fc
    .date({
      min: new Date('2020-01-01T00:00:00.000Z'),
      max: new Date('2040-01-01T00:00:00.000Z'),
      noInvalidDate: true,
    })
    .map((date) => date.toISOString());
  const someEndpointId = fc.integer({ min: 1, max: 4 }).map(endpointId);
  const region = fc.constantFrom('us-east-1', 'eu-west-1', 'ap-south-1');
  const entry = fc
    .record(
      {
        effect: fc.constantFrom('allow', 'block'),
        endpointIds: fc.array(someEndpointId, { minLength: 1, maxLength: 3 }),
        consumerRegions: fc.array(region, { minLength: 1, maxLength: 3 }),
        maxEndpoints: fc.integer({ min: 1, max: 3 }),
        expiresAt: time,
      },
      { requiredKeys: ['effect'] },
    )
    .map(anEntry);
  const policies = fc
    .record({
      entries: fc
        .tuple(fc.option(entry), fc.option(entry))
        .map(([own, every]) => [
          ...(own ? [own] : []),
          ...(every ? [{ ...every, serviceId: '*' as const }] : []),
        ]),
      countedEndpointIds: fc.array(someEndpointId, { maxLength: 4 }),
      service: fc
        .record(
          { onUnlisted: fc.constantFrom('ask', 'hold', 'reject'), pausedAt: time },
          { requiredKeys: ['onUnlisted'] },
        )
        .map(aService),
      rules: fc.subarray([...connectionRules]).chain((rules) => fc.constantFrom(rules, [...connectionRules])),
    })
    .map(aPolicy);
  const requests = fc
    .record({ endpointId: someEndpointId, endpointRegion: region }, { requiredKeys: ['endpointId'] })
    .map(aRequest);
  const approvals = fc.option(fc.record({ decision: fc.constantFrom('approve', 'deny') }).map(anApproval), {
    nil: undefined,
  });
  const somewhen = fc.date({ noInvalidDate: true, min: new Date(0), max: new Date('2100-01-01') });

  test('a verdict has an outcome and a reason', () => {
    fc.assert(
      fc.property(requests, policies, approvals, somewhen, (request, policy, approval, now) => {
        const verdict = decide(request, policy, approval, now);
        expect(Outcome.options).toContain(verdict.outcome);
        expect(primaryReason(verdict)).not.toBe('');
      }),
    );
  });

  test('a blocked account is rejected, or on hold while the service is paused', () => {
    fc.assert(
      fc.property(requests, policies, approvals, somewhen, (request, policy, approval, now) => {
        const entries = [
          anEntry({ effect: 'block' }),
          ...policy.entries.filter((each) => each.serviceId === '*'),
        ];
        const blocked = { ...policy, entries, rules: connectionRules };
        const { outcome } = decide(request, blocked, approval, now);
        expect(outcome).toBe(policy.service.pausedAt === undefined ? 'reject' : 'hold');
      }),
    );
  });

  test('a request is accepted only by an entry that allows or by a person who approved', () => {
    fc.assert(
      fc.property(requests, policies, approvals, somewhen, (request, policy, approval, now) => {
        const isAccepted = decide(request, policy, approval, now).outcome === 'accept';
        const mayBe = policy.entries[0]?.effect === 'allow' || approval?.decision === 'approve';
        expect(isAccepted && !mayBe).toBe(false);
      }),
    );
  });

  test('a decision has a verdict whatever its rules return or throw', () => {
    const finding = fc.option(
      fc.record({ outcome: fc.constantFrom(...Outcome.options), reason: fc.string({ minLength: 1 }) }),
      { nil: undefined },
    );
    const rule = fc.oneof(
      finding.map((result): Rule => ({ name: 'a-rule', evaluate: () => result })),
      fc.anything({ withNullPrototype: true }).map(
        (thrown): Rule => ({
          name: 'a-rule',
          evaluate() {
            throw thrown;
          },
        }),
      ),
    );
    fc.assert(
      fc.property(fc.array(rule), approvals, (rules, approval) => {
        const { findings } = decide(aRequest(), aPolicy({ rules }), approval, noon);
        expect(findings.length).toBeGreaterThan(0);
      }),
    );
  });
});
