import { expect, test } from '@jest/globals';
import { runLinkgate } from '../../bench/burst/linkgate.ts';
import { runAcceptLoop } from '../../bench/burst/loop.ts';

const accepts = 'AcceptVpcEndpointConnections';

test('a burst is accepted with a call for many, which leaves tokens where a loop runs out of them', async () => {
  const [linkgate, loop] = [await runLinkgate(100), await runAcceptLoop(100)];
  expect(linkgate.calls.get(accepts)).toBeLessThanOrEqual(5);
  expect(linkgate.calls.get(`${accepts}, throttled`)).toBeUndefined();
  expect(loop.calls.get(accepts)).toBeGreaterThanOrEqual(100);
  expect(linkgate.seconds).toBeLessThan(loop.seconds / 10);
});
