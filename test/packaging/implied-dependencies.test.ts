import { expect, test } from '@jest/globals';
import { dropImpliedDependencies } from '../../packaging/implied-dependencies.mjs';

test('a `DependsOn` that a reference implies is removed, and every other one stays', () => {
  const resources = {
    Function: {
      DependsOn: ['Role', 'LogGroup'],
      Properties: { Role: { 'Fn::GetAtt': ['Role', 'Arn'] }, Name: 'LogGroup' },
    },
    Route: { DependsOn: 'Integration', Properties: { Target: [{ Ref: 'Integration' }] } },
    Stage: { DependsOn: 'LogGroup' },
    Queue: { Properties: {} },
  };
  dropImpliedDependencies(resources);
  expect(resources).toEqual({
    Function: { DependsOn: ['LogGroup'], Properties: expect.anything() },
    Route: { Properties: expect.anything() },
    Stage: { DependsOn: ['LogGroup'] },
    Queue: { Properties: {} },
  });
});
