import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import type { LambdaContext } from 'hono/aws-lambda';
import { createApiApp } from '../../lib/api/api.ts';
import { type HttpApiEvent, respondByRoute } from '../../lib/api/route.ts';
import {
  aConnection,
  aFinding,
  anEntry,
  aRecord,
  aService,
  aVerdict,
  noon,
  secondsAfterNoon,
} from '../builders.ts';
import { createTestEnv } from '../doubles/test-env.ts';

const folder = new URL('../../events/on-api-request/', import.meta.url);
const read = (file: string): HttpApiEvent => JSON.parse(readFileSync(new URL(file, folder), 'utf8'));

/** The records behind each sample event: a pending request or a connected endpoint. */
const live = aRecord({
  state: 'available',
  verdict: aVerdict('accept'),
  acceptRequestedAt: noon.toISOString(),
});
const revocation = {
  since: noon.toISOString(),
  disconnectAt: secondsAfterNoon(72 * 3600).toISOString(),
  cause: 'policy',
  by: 'linkgate',
} as const;
const noLongerAllowed = aFinding({ rule: 'no-longer-allowed', outcome: 'reject' });
const records: Readonly<Record<string, readonly (typeof live)[]>> = {
  'revoke.json': [live],
  'extend.json': [
    {
      ...live,
      revocation,
      verdict: aVerdict('reject', { findings: [noLongerAllowed], until: revocation.disconnectAt }),
    },
  ],
};

test.each(readdirSync(folder))('the sample event %s is answered with 200', async (file) => {
  const storedRecords = records[file] ?? [];
  const env = createTestEnv({
    services: [aService()],
    entries: storedRecords.length > 0 && file === 'revoke.json' ? [anEntry()] : [],
    connections: [aConnection({ state: storedRecords.length > 0 ? 'available' : 'pendingAcceptance' })],
    records: storedRecords,
  });
  const respond = respondByRoute(createApiApp(() => env.deps));
  expect(await respond(read(file), {} as LambdaContext)).toMatchObject({ statusCode: 200 });
});
