import { describe, expect, test } from '@jest/globals';
import { addApproval, addDenial, pickRecordedDecisions } from '../../lib/connections/person-decision.ts';
import { withQuorumFinding } from '../../lib/policy/evaluate-decision.ts';
import { aFinding, alice, anApproval, aRecord } from '../builders.ts';

const bob = 'arn:aws:iam::111111111111:user/bob';
const alices = anApproval({ reason: 'known to us' });
const bobs = anApproval({ by: bob });
const denial = anApproval({ decision: 'deny', reason: 'no contract' });

describe('a person’s decision on a request', () => {
  test('closes the request if one approval is enough', () => {
    expect(addApproval({}, alices, 1)).toEqual({ personDecision: alices });
  });

  test('leaves the request open below the quorum', () => {
    expect(addApproval({}, alices, 2)).toEqual({ approvals: { decisions: [alices], quorum: 2 } });
  });

  test('closes the request at the quorum', () => {
    expect(addApproval(addApproval({}, alices, 2), bobs, 2)).toEqual({
      approvals: { decisions: [alices, bobs], quorum: 2 },
      personDecision: bobs,
    });
  });

  test('replaces the earlier one of the same person', () => {
    const again = anApproval({ reason: 'seen the contract' });
    expect(addApproval(addApproval({}, alices, 2), again, 2)).toEqual({
      approvals: { decisions: [again], quorum: 2 },
    });
  });

  test('closes the request if it is a denial, whoever approved', () => {
    expect(addDenial(addApproval({}, alices, 3), denial)).toMatchObject({ personDecision: denial });
  });

  test('closes the request together with earlier ones if the quorum was lowered in the meantime', () => {
    expect(addApproval(addApproval({}, alices, 2), bobs, 1)).toEqual({
      approvals: { decisions: [alices, bobs], quorum: 1 },
      personDecision: bobs,
    });
    expect(addApproval(addApproval({}, alices, 2), alices, 1)).toEqual({ personDecision: alices });
  });
});

test('the recorded decisions of a record contain none of its other attributes', () => {
  expect(pickRecordedDecisions(aRecord({ personDecision: alices }))).toEqual({ personDecision: alices });
  expect(pickRecordedDecisions(undefined)).toEqual({});
});

describe('the quorum finding', () => {
  const ask = { outcome: 'ask', findings: [aFinding({ outcome: 'ask' })] } as const;
  const quorumFinding = { rule: 'quorum', reason: `1 of 2 approvals: ${alice}` };
  const personDecisions = addApproval({}, alices, 2);

  test('comes first in the verdict ask', () => {
    expect(withQuorumFinding({ ...ask, findings: [...ask.findings] }, personDecisions).findings).toEqual([
      { ...quorumFinding, outcome: 'ask' },
      ...ask.findings,
    ]);
  });

  test('comes after the reason in the verdict hold', () => {
    const pause = aFinding({ outcome: 'hold', reason: 'orders is paused' });
    expect(withQuorumFinding({ outcome: 'hold', findings: [pause] }, personDecisions).findings).toEqual([
      pause,
      { ...quorumFinding, outcome: 'hold' },
    ]);
  });

  test('is in a verdict that several people approved', () => {
    const verdict = { outcome: 'accept', findings: [] } as const;
    expect(
      withQuorumFinding({ ...verdict, findings: [] }, addApproval(personDecisions, bobs, 2)).findings,
    ).toMatchObject([{ reason: `2 of 2 approvals: ${alice}, ${bob}` }]);
  });

  test('is absent if policy decided alone or one approval is enough', () => {
    const accept = { outcome: 'accept' as const, findings: [aFinding()] };
    expect(withQuorumFinding(accept, personDecisions)).toEqual(accept);
    expect(withQuorumFinding(accept, { personDecision: alices })).toEqual(accept);
  });
});
