import { beforeAll, expect, test } from '@jest/globals';
import { encodePageToken } from '../../lib/storage/cursor.ts';
import { startJob } from '../../lib/sweep/job.ts';
import { alice, aService, endpointId, hub } from '../builders.ts';
import { createTestEnv, type TestEnv } from '../doubles/test-env.ts';
import { aDocument } from '../policy-as-code/fixtures.ts';
import { callApi } from './call-api.ts';

let env: TestEnv;
let planId: string;
beforeAll(async () => {
  env = createTestEnv({ services: [aService()] });
  await startJob('job-1', [hub], alice, env.deps);
  const { body } = await callApi(env, 'POST /plans', { document: aDocument() });
  planId = (body.plan as { planId: string }).planId;
});

/** Each paged list, by the name in its tokens, with a valid cursor. */
const lists: readonly (readonly [name: string, path: string, position: object])[] = [
  ['connections', '/connections', { location: 0, nextToken: 'of EC2' }],
  ['unregistered services', '/services?unregistered=true', { location: 0, nextToken: 'of EC2' }],
  ['audit verification', '/audit/verification', { partition: 0 }],
  ['doctor', '/doctor', { next: 'services', seen: 0 }],
  ['policy', '/policy', { serviceId: '*' }],
  ['job job-1', '/jobs/job-1', { seen: 0 }],
  ['changes <plan>', '/plans/<plan>/changes', { part: 0 }],
  ['impact <plan>', '/plans/<plan>/impact', { location: 0, nextToken: 'of EC2' }],
  ['simulation <plan>', '/plans/<plan>/simulation', { partition: 0 }],
];

/** Invalid cursors: out of range, or never returned by a list. */
const nowhere: Readonly<Record<string, readonly object[]>> = {
  connections: [{ location: 9 }, { location: 0, nextToken: '' }, { location: 1e300 }],
  'unregistered services': [{ location: 9 }, { location: -1 }],
  'audit verification': [
    { partition: 99 },
    { partition: 0, after: '' },
    { partition: 0, after: `${endpointId(1)}${'0'.repeat(2000)}` },
  ],
  doctor: [{ next: 'queues', seen: 0 }],
  policy: [{ serviceId: 'vpce-svc-00000000000000009' }, { serviceId: '*', after: '' }],
  'job job-1': [{ seen: -1 }],
  'changes <plan>': [{ part: 1_000_000_000 }],
  'impact <plan>': [{ location: 9 }, { location: 0, from: 0.5 }],
  'simulation <plan>': [{ partition: 0, after: '\ud800' }],
};

const ofPlan = (text: string) => text.replace('<plan>', planId);

async function answerTo(path: string, token: string) {
  return callApi(env, `GET ${ofPlan(path)}${path.includes('?') ? '&' : '?'}nextToken=${token}`);
}

const invalidTokenResponse = {
  status: 400,
  body: { error: { code: 'ExpiredToken', message: expect.stringContaining('start again without it') } },
};

test.each(lists)('the list `%s` at %s answers ExpiredToken to an invalid token', async (name, path) => {
  for (const token of ['', 'guess', 'bnVsbA', '%00', 'W10', encodePageToken(ofPlan(name), [])])
    expect([token, await answerTo(path, token)]).toMatchObject([token, invalidTokenResponse]);
  for (const position of nowhere[name] ?? [])
    expect(await answerTo(path, encodePageToken(ofPlan(name), position))).toMatchObject(invalidTokenResponse);
});

test.each(lists)(
  'the list `%s` at %s answers ExpiredToken to the token of another list',
  async (name, path, position) => {
    for (const [other, , otherPosition] of [...lists, ['impact another', '', {}] as const])
      if (other !== name)
        for (const each of [position, otherPosition])
          expect(await answerTo(path, encodePageToken(ofPlan(other), each))).toMatchObject(
            invalidTokenResponse,
          );
  },
);

test.each(lists.filter(([, , position]) => 'nextToken' in position))(
  'the list `%s` at %s answers ExpiredToken to a token that EC2 no longer accepts',
  async (name, path, position) => {
    expect(await answerTo(path, encodePageToken(ofPlan(name), position))).toMatchObject(invalidTokenResponse);
  },
);
