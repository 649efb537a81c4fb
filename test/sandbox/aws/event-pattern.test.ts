import { expect, test } from '@jest/globals';
import { compilePattern, matchesPattern } from '../../../sandbox/aws/event-pattern.ts';

const event = {
  source: 'aws.ec2',
  detail: {
    state: 'Available',
    count: 5,
    note: null,
    isLive: true,
    path: 'logs/2026/app.txt',
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
  [{ state: [{ prefix: { 'equals-ignore-case': 'AVAIL' } }] }, true],
  [{ path: [{ suffix: '.txt' }] }, true],
  [{ path: [{ suffix: { 'equals-ignore-case': '.TXT' } }] }, true],
  [{ path: [{ wildcard: 'logs/*/app.*' }] }, true],
  [{ path: [{ wildcard: 'logs/\\*/app.txt' }] }, false],
  [{ state: [{ 'equals-ignore-case': 'AVAILABLE' }] }, true],
  [{ state: [{ 'anything-but': 'Available' }] }, false],
  [{ state: [{ 'anything-but': ['Rejected', 'Deleted'] }] }, true],
  [{ count: [{ 'anything-but': [5, 6] }] }, false],
  [{ state: [{ 'anything-but': { prefix: 'Avail' } }] }, false],
  [{ state: [{ 'anything-but': { suffix: ['x', 'y'] } }] }, true],
  [{ missing: [{ 'anything-but': 'x' }] }, false],
  [{ state: [{ exists: true }] }, true],
  [{ state: [{ exists: false }] }, false],
  [{ missing: [{ exists: false }] }, true],
  [{ missing: { deeper: [{ exists: false }] } }, true],
  [{ none: [{ exists: false }] }, true],
  [{ count: [{ numeric: ['>', 0, '<=', 5] }] }, true],
  [{ count: [{ numeric: ['<', 5] }] }, false],
  [{ state: [{ numeric: ['=', 5] }] }, false],
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
  [{ count: [{ numeric: ['~', 1] }] }, 'cannot read the numeric range'],
])('the invalid pattern %j is refused when it is compiled', (pattern, message) => {
  expect(() => compilePattern(pattern)).toThrow(message);
});
