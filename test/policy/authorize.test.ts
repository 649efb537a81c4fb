import { describe, expect, test } from '@jest/globals';
import { emailActor, slackActor } from '../../lib/approvers/actor.ts';
import { authorizeDecision, listAccountOwners, NotAuthorizedError } from '../../lib/policy/authorize.ts';
import { aGroup, alice, anEntry, aService } from '../builders.ts';

const bob = slackActor({ team: 'T01LOCAL', user: 'U01BOB' });
const carol = slackActor({ team: 'T01LOCAL', user: 'U01CAROL' });
const bobOfAnotherTeam = slackActor({ team: 'T02OTHER', user: 'U01BOB' });
const dora = emailActor('dora@example.com');
const erin = emailActor('erin@example.com');
const everybody = [alice, bob, carol, bobOfAnotherTeam, dora, erin];

const group = aGroup({
  slackUsers: [{ team: 'T01LOCAL', user: 'U01BOB' }],
  emails: ['Dora@example.com'],
});
const authority = { service: aService(), group, entries: [] };

type AuthorityOverrides = Partial<Parameters<typeof authorizeDecision>[1]>;
type Decision = Parameters<typeof authorizeDecision>[0];

/** Returns the code of the denial: undefined if the person may decide. */
function findDenialCode(
  decision: Partial<Decision>,
  overrides: AuthorityOverrides = {},
): NotAuthorizedError['code'] | undefined {
  try {
    authorizeDecision({ by: alice, decision: 'approve', ...decision }, { ...authority, ...overrides });
    return undefined;
  } catch (error) {
    if (error instanceof NotAuthorizedError) return error.code;
    throw error;
  }
}

describe('a decision', () => {
  test.each([
    { situation: 'a group', overrides: {}, approvers: [alice, bob, dora] },
    {
      situation: 'a group that decides through the API only',
      overrides: { group: { ...group, decisionChannels: 'api' } },
      approvers: [alice],
    },
    {
      situation: 'a group that decides anywhere',
      overrides: { group: { ...group, decisionChannels: 'anywhere' } },
      approvers: [alice, bob, dora],
    },
    { situation: 'a group that names nobody', overrides: { group: aGroup() }, approvers: [alice] },
  ] satisfies { situation: string; overrides: AuthorityOverrides; approvers: string[] }[])(
    'in $situation is allowed to $approvers',
    ({ overrides, approvers }) => {
      for (const decision of ['approve', 'deny'] as const)
        expect(everybody.filter((by) => findDenialCode({ by, decision }, overrides) === undefined)).toEqual(
          approvers,
        );
    },
  );

  test('by anybody else fails with an error that names the approver group', () => {
    const authorize = () => authorizeDecision({ by: carol, decision: 'deny' }, authority);
    expect(authorize).toThrow('slack:T01LOCAL:U01CAROL is not an approver of orders (group default)');
    expect(findDenialCode({ by: carol })).toBe('not-an-approver');
    expect(findDenialCode({ by: bob }, { group: { ...group, decisionChannels: 'api' } })).toBe('api-only');
    expect(authorize).toThrow(expect.objectContaining({ group }));
  });
});

describe('an owner of the account', () => {
  const entries = [
    anEntry({ owners: [bob] }),
    anEntry({ serviceId: '*', effect: 'block', owners: [alice, dora] }),
  ];

  test('is each person or role that any of its entries names as owner', () => {
    expect(listAccountOwners([...entries, anEntry()])).toEqual([bob, alice, dora]);
  });

  test.each([alice, bob, dora])('cannot approve its requests, through any channel: %s', (by) => {
    expect(findDenialCode({ by, decision: 'approve' }, { entries })).toBe('owner');
  });

  test.each([alice, bob, dora])('can deny its requests: %s', (by) => {
    expect(findDenialCode({ by, decision: 'deny' }, { entries })).toBeUndefined();
  });

  test('does not prevent other approvers from approving', () => {
    expect(findDenialCode({ by: dora }, { entries: [anEntry({ owners: [bob] })] })).toBeUndefined();
  });
});

describe('a service that requires a ticket id', () => {
  const overrides = { service: aService({ requireTicket: true }) };

  test.each(['approve', 'deny'] as const)('lets approvers %s only with a ticket id', (decision) => {
    expect(findDenialCode({ decision }, overrides)).toBe('no-ticket');
    expect(findDenialCode({ decision, ticket: '' }, overrides)).toBe('no-ticket');
    expect(findDenialCode({ decision, ticket: 'CHG-1' }, overrides)).toBeUndefined();
  });

  test('reports a person who is no approver before a missing ticket id', () => {
    expect(findDenialCode({ by: carol }, overrides)).toBe('not-an-approver');
  });
});

test('an IAM role that owns an account stands for everybody who assumed it, in any session', () => {
  const owners = ['arn:aws:iam::111111111111:role/teams/Payments'];
  const entries = [anEntry({ owners })];
  const session = (role: string) => `arn:aws:sts::111111111111:assumed-role/${role}/alice`;
  expect(findDenialCode({ by: session('Payments') }, { entries })).toBe('owner');
  expect(findDenialCode({ by: session('Payments'), decision: 'deny' }, { entries })).toBeUndefined();
  expect(findDenialCode({ by: session('PaymentsOther') }, { entries })).toBeUndefined();
  expect(findDenialCode({ by: session('teams') }, { entries })).toBeUndefined();
});
