import { expect, test } from '@jest/globals';
import { createFaults } from '../../sandbox/faults.ts';

const location = { accountId: '111111111111', region: 'us-east-1', arn: 'arn' };
const root = { ...location, principal: 'root' };
const aFunction = { ...location, principal: 'apply-verdicts' };
const accept = { service: 'ec2', action: 'AcceptVpcEndpointConnections', rate: 1 };

test.each([
  ['a function', accept, 'AcceptVpcEndpointConnections', aFunction, true],
  ['another action', accept, 'DescribeVpcEndpoints', aFunction, false],
  ['a person', accept, 'AcceptVpcEndpointConnections', root, false],
  ['a person, with principal `*`', { ...accept, principal: '*' }, 'AcceptVpcEndpointConnections', root, true],
])('a call of %s: %j meets %s of %j: %s', (_, fault, action, caller, applies) => {
  const faults = createFaults();
  faults.replace([fault]);
  expect(faults.findCallFault('ec2', action, caller)).toEqual(applies ? fault : undefined);
});

test('a fault with a count applies that often', () => {
  const faults = createFaults();
  faults.replace([{ delivery: 'sns', rate: 1, count: 2, drop: true }]);
  expect([1, 2, 3].map(() => faults.findDeliveryFault('sns')?.drop)).toEqual([true, true, undefined]);
});

test('a fault applies at its rate', () => {
  const faults = createFaults(() => 0.5);
  faults.replace([{ ...accept, rate: 0.5 }]);
  expect(faults.findCallFault('ec2', 'AcceptVpcEndpointConnections', aFunction)).toBeUndefined();
});

test.each([
  [{}, 'the faults have to be a list'],
  [[{ service: 'ec2', rate: 1 }], 'fault 0: action'],
  [[accept, { ...accept, rate: 2 }], 'fault 1: rate'],
  [[{ delivery: 'pigeon', rate: 1 }], 'fault 0: delivery'],
])('a list with an invalid fault is refused with the problem: %j', (list, problem) => {
  const faults = createFaults();
  faults.replace([accept]);
  expect(() => faults.replace(list)).toThrow(problem);
  expect(faults.list()).toEqual([accept]);
});
