import { describe, expect, test } from '@jest/globals';
import { addApproval, addDenial, pickRecordedDecisions } from '../../lib/connections/person-decision.ts';
import { withQuorumFinding } from '../../lib/policy/evaluate-decision.ts';
import { aFinding, alice, anApproval, aRecord } from '../builders.ts';

const bob = 'arn:aws:iam::111111111111:user/bob';
const alices = anApproval({ reason: 'known to us' });
const bobs = anApproval({ by: bob });
const denial = anApproval({ decision: 'deny', reason: 'no contract' });

describe('a word on a request', () => {
  test('closes it where one approval suffices', () => {
    expect(addApproval({}, alices, 1)).toEqual({ approval: alices });
  });

  test('leaves it open while fewer have approved than it takes', () => {
    expect(addApproval({}, alices, 2)).toEqual({ approvals: { decisions: [alices], quorum: 2 } });
  });

  test('closes it when the last one of a quorum has approved', () => {
    expect(addApproval(addApproval({}, alices, 2), bobs, 2)).toEqual({
      approvals: { decisions: [alices, bobs], quorum: 2 },
      approval: bobs,
    });
  });

  test('of the same person counts once, and the newest holds', () => {
    const again = anApproval({ reason: 'seen the contract' });
    expect(addApproval(addApproval({}, alices, 2), again, 2)).toEqual({
      approvals: { decisions: [again], quorum: 2 },
    });
  });

  test('that denies closes it, whoever approved', () => {
    expect(addDenial(addApproval({}, alices, 3), denial)).toMatchObject({ approval: denial });
  });

  test('closes it together with those from before where the quorum was lowered meanwhile', () => {
    expect(addApproval(addApproval({}, alices, 2), bobs, 1)).toEqual({
      approvals: { decisions: [alices, bobs], quorum: 1 },
      approval: bobs,
    });
    expect(addApproval(addApproval({}, alices, 2), alices, 1)).toEqual({ approval: alices });
  });
});

test('of a record nothing is heard but what people said', () => {
  expect(pickRecordedDecisions(aRecord({ approval: alices }))).toEqual({ approval: alices });
  expect(pickRecordedDecisions(undefined)).toEqual({});
});

describe('how many have approved', () => {
  const ask = { outcome: 'ask', findings: [aFinding({ outcome: 'ask' })] } as const;
  const counted = { rule: 'quorum', reason: `1 of 2 approvals: ${alice}` };
  const personDecisions = addApproval({}, alices, 2);

  test('is told first of a request that asks', () => {
    expect(withQuorumFinding({ ...ask, findings: [...ask.findings] }, personDecisions).findings).toEqual([
      { ...counted, outcome: 'ask' },
      ...ask.findings,
    ]);
  });

  test('is told after what makes a request wait', () => {
    const pause = aFinding({ outcome: 'hold', reason: 'orders is paused' });
    expect(withQuorumFinding({ outcome: 'hold', findings: [pause] }, personDecisions).findings).toEqual([
      pause,
      { ...counted, outcome: 'hold' },
    ]);
  });

  test('is told of a request that they approved together', () => {
    const verdict = { outcome: 'accept', findings: [] } as const;
    expect(
      withQuorumFinding({ ...verdict, findings: [] }, addApproval(personDecisions, bobs, 2)).findings,
    ).toMatchObject([{ reason: `2 of 2 approvals: ${alice}, ${bob}` }]);
  });

  test('is no matter where policy decided without them, or one suffices', () => {
    const accept = { outcome: 'accept' as const, findings: [aFinding()] };
    expect(withQuorumFinding(accept, personDecisions)).toEqual(accept);
    expect(withQuorumFinding(accept, { approval: alices })).toEqual(accept);
  });
});
