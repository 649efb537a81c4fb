import { expect, test } from '@jest/globals';
import { compilePattern, matchesPattern } from '../../../sandbox/aws/event-pattern.ts';

const event = {
  source: 'aws.ec2',
  detail: {
    state: 'Available',
    count: 5,
    note: null,
    isLive: true,
    tags: ['red', 'green'],
    items: [{ id: 'a' }, { id: 'b' }],
    none: [],
  },
};

test.each<[object, boolean]>([
  [{ state: ['Available', 'Rejected'] }, true],
  [{ state: ['available'] }, false],
  [{ count: [5] }, true],
  [{ count: ['5'] }, false],
  [{ note: [null] }, true],
  [{ missing: [null] }, false],
  [{ isLive: [true] }, true],
  [{ tags: ['green', 'blue'] }, true],
  [{ tags: ['blue'] }, false],
  [{ items: { id: ['b'] } }, true],
  [{ items: { id: ['c'] } }, false],
  [{ state: [{ prefix: 'Avail' }] }, true],
  [{ state: [{ 'anything-but': 'Available' }] }, false],
  [{ state: [{ 'anything-but': ['Rejected', 'Deleted'] }] }, true],
  [{ state: [{ 'anything-but': { prefix: 'Avail' } }] }, false],
  [{ missing: [{ 'anything-but': 'x' }] }, false],
  [{ state: [{ exists: true }] }, true],
  [{ state: [{ exists: false }] }, false],
  [{ missing: [{ exists: false }] }, true],
  [{ missing: { deeper: [{ exists: false }] } }, true],
  [{ none: [{ exists: false }] }, true],
  [{ $or: [{ state: ['x'] }, { count: [5] }] }, true],
  [{ $or: [{ state: ['x'] }, { count: [6] }] }, false],
  [{ state: ['x', { prefix: 'A' }] }, true],
  [{ state: ['Available'], count: [6] }, false],
])('the pattern %j matches the event: %s', (detail, expected) => {
  expect(matchesPattern({ source: ['aws.ec2'], detail }, event)).toBe(expected);
});

test.each([
  [{ state: [{ cidr: '10.0.0.0/8' }] }, 'unknown operator `cidr`'],
  [{ state: 'Available' }, 'must be an array'],
])('the invalid pattern %j is refused when it is compiled', (pattern, message) => {
  expect(() => compilePattern(pattern)).toThrow(message);
});
