import { expect, test } from '@jest/globals';
import { resolve, type Scope } from '../../../sandbox/stack/intrinsics.ts';
import { sortByDependency } from '../../../sandbox/stack/template.ts';

const scope: Scope = {
  template: { Resources: {}, Conditions: { IsNew: { 'Fn::Equals': [{ Ref: 'table' }, ''] } } },
  parameters: { 'AWS::Region': 'us-east-1', table: '' },
  created: new Map([['Queue', { ref: 'http://queue', attributes: { Arn: 'arn:queue' } }]]),
};

test.each([
  ['a resource is referred to by its id', { Ref: 'Queue' }, 'http://queue'],
  ['a parameter may be empty', { Ref: 'table' }, ''],
  ['an attribute is read', { 'Fn::GetAtt': ['Queue', 'Arn'] }, 'arn:queue'],
  ['parts are joined', { 'Fn::Join': ['-', ['a', { Ref: 'AWS::Region' }]] }, 'a-us-east-1'],
  ['a text takes references', { 'Fn::Sub': '$' + '{AWS::Region}/$' + '{Queue}' }, 'us-east-1/http://queue'],
  ['a condition chooses', { 'Fn::If': ['IsNew', 'new', { Ref: 'Missing' }] }, 'new'],
  ['what has no value is left out', { a: { Ref: 'AWS::NoValue' }, b: 1 }, { b: 1 }],
])('%s', (_, value, expected) => {
  expect(resolve(value, scope)).toEqual(expected);
});

test('a reference to a missing resource is an error that names it', () => {
  expect(() => resolve({ Ref: 'Missing' }, scope)).toThrow('`Missing`');
  expect(() => resolve({ 'Fn::GetAtt': ['Queue', 'Colour'] }, scope)).toThrow('`Queue.Colour`');
  expect(() => resolve({ 'Fn::Transform': {} }, scope)).toThrow('`Fn::Transform`');
});

test('resources come after those that they reference', () => {
  const order = sortByDependency({
    Function: { Type: 'F', DependsOn: ['Logs'], Properties: { Role: { 'Fn::GetAtt': ['Role', 'Arn'] } } },
    Role: { Type: 'R', Properties: { Name: { 'Fn::Sub': '$' + '{Bus}' } } },
    Bus: { Type: 'B' },
    Logs: { Type: 'L' },
  });
  expect(order).toEqual(['Bus', 'Role', 'Logs', 'Function']);
});
