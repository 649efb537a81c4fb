import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';
import { bundle } from '../../../packaging/bundle.mjs';

test.each([
  ['on-approval-link', 420],
  ['on-slack-interaction', 450],
])(
  'the bundle of %s, which is public, has no EC2 client, and at most %i KiB',
  async (name, maxKib) => {
    const entryPoint = fileURLToPath(new URL(`../../../functions/${name}.ts`, import.meta.url));
    const { outputFiles } = await bundle(entryPoint, `${name}.js`, { write: false, sourcemap: false });
    const code = outputFiles?.[0]?.text ?? '';
    expect(code).toContain('TransactWriteItems');
    expect(code).not.toContain('VpcEndpointConnectionsRequest');
    expect(code.length).toBeLessThan(maxKib * 1024);
  },
  120_000,
);
