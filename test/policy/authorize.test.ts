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

type Given = Partial<Parameters<typeof authorizeDecision>[1]>;
type Word = Parameters<typeof authorizeDecision>[0];

/** The code of the refusal. Undefined if the person may decide. */
function refusal(word: Partial<Word>, given: Given = {}): NotAuthorizedError['code'] | undefined {
  try {
    authorizeDecision({ by: alice, decision: 'approve', ...word }, { ...authority, ...given });
    return undefined;
  } catch (error) {
    if (error instanceof NotAuthorizedError) return error.code;
    throw error;
  }
}

describe('the people who may decide', () => {
  test.each([
    { situation: 'a group', given: {}, who: [alice, bob, dora] },
    {
      situation: 'a group that decides through the API only',
      given: { group: { ...group, decisionChannels: 'api' } },
      who: [alice],
    },
    {
      situation: 'a group that decides anywhere',
      given: { group: { ...group, decisionChannels: 'anywhere' } },
      who: [alice, bob, dora],
    },
    { situation: 'a group that names nobody', given: { group: aGroup() }, who: [alice] },
  ] satisfies { situation: string; given: Given; who: string[] }[])(
    'in $situation, are $who',
    ({ given, who }) => {
      for (const decision of ['approve', 'deny'] as const)
        expect(everybody.filter((by) => refusal({ by, decision }, given) === undefined)).toEqual(who);
    },
  );

  test('are named to a person who may not', () => {
    const approvalRequest = () => authorizeDecision({ by: carol, decision: 'deny' }, authority);
    expect(approvalRequest).toThrow('slack:T01LOCAL:U01CAROL is not an approver of orders (group default)');
    expect(refusal({ by: carol })).toBe('not-an-approver');
    expect(refusal({ by: bob }, { group: { ...group, decisionChannels: 'api' } })).toBe('api-only');
    expect(approvalRequest).toThrow(expect.objectContaining({ group }));
  });
});

describe('an owner of the account', () => {
  const entries = [
    anEntry({ owners: [bob] }),
    anEntry({ serviceId: '*', effect: 'block', owners: [alice, dora] }),
  ];

  test('is named by any of its entries', () => {
    expect(listAccountOwners([...entries, anEntry()])).toEqual([bob, alice, dora]);
  });

  test.each([alice, bob, dora])('cannot approve it, through any channel: %s', (by) => {
    expect(refusal({ by, decision: 'approve' }, { entries })).toBe('owner');
  });

  test.each([alice, bob, dora])('can deny it: %s', (by) => {
    expect(refusal({ by, decision: 'deny' }, { entries })).toBeUndefined();
  });

  test('does not keep others from approving it', () => {
    expect(refusal({ by: dora }, { entries: [anEntry({ owners: [bob] })] })).toBeUndefined();
  });
});

describe('a service that requires a ticket id', () => {
  const given = { service: aService({ requireTicket: true }) };

  test.each(['approve', 'deny'] as const)('lets nobody %s without one', (decision) => {
    expect(refusal({ decision }, given)).toBe('no-ticket');
    expect(refusal({ decision, ticket: '' }, given)).toBe('no-ticket');
    expect(refusal({ decision, ticket: 'CHG-1' }, given)).toBeUndefined();
  });

  test('tells a person who is no approver that first', () => {
    expect(refusal({ by: carol }, given)).toBe('not-an-approver');
  });
});

test('an IAM role that owns an account is anybody who assumed it, in any session', () => {
  const owners = ['arn:aws:iam::111111111111:role/teams/Payments'];
  const entries = [anEntry({ owners })];
  const session = (role: string) => `arn:aws:sts::111111111111:assumed-role/${role}/alice`;
  expect(refusal({ by: session('Payments') }, { entries })).toBe('owner');
  expect(refusal({ by: session('Payments'), decision: 'deny' }, { entries })).toBeUndefined();
  expect(refusal({ by: session('PaymentsOther') }, { entries })).toBeUndefined();
  expect(refusal({ by: session('teams') }, { entries })).toBeUndefined();
});
