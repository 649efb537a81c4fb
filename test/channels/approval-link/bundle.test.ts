import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';
import { bundle } from '../../../packaging/bundle.mjs';

test('the bundle of on-approval-link, which is public, has no EC2 client', async () => {
  const entryPoint = fileURLToPath(new URL('../../../functions/on-approval-link.ts', import.meta.url));
  const { outputFiles } = await bundle(entryPoint, 'on-approval-link.js', { write: false, sourcemap: false });
  const code = outputFiles?.[0]?.text ?? '';
  expect(code).toContain('TransactWriteItems');
  expect(code).not.toContain('VpcEndpointConnectionsRequest');
  expect(code.length).toBeLessThan(420 * 1024);
}, 30_000);
