import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { parseInteraction } from '../../../lib/channels/slack/interaction.ts';
import { parseSignature, verifySignature } from '../../../lib/channels/slack/signature.ts';
import { noon } from '../../builders.ts';
import { secret } from './fixtures.ts';

function sample(name: string) {
  const path = new URL(`../../../events/on-slack-interaction/${name}.json`, import.meta.url);
  const { headers, body, isBase64Encoded } = JSON.parse(readFileSync(path, 'utf8'));
  return { headers, body: Buffer.from(body, isBase64Encoded ? 'base64' : 'utf8') };
}

const message = { channel: 'C01APPROVALS', ts: '1795262400.000100' };
const alice = 'slack:T01LOCAL:U01ALICE';

test.each([
  [
    'click-approve',
    { kind: 'click', actor: alice, actionId: 'approve', value: 'vpce-00000000000000001.3', message },
  ],
  ['click-by-a-guest', { kind: 'click', actor: 'slack:T02OTHER:U01MALLORY' }],
  ['choose-an-expiry', { kind: 'click', actionId: 'allow-expiry', value: '30' }],
  ['submit-a-denial', { kind: 'submission', actor: alice, callbackId: 'request' }],
  ['close-a-modal', { kind: 'other' }],
  ['slash-command', { kind: 'command', actor: alice, text: 'deny vpce-00000000000000001 not a customer' }],
])('the sample %s has a valid signature and is parsed', (name, interaction) => {
  const { headers, body } = sample(name);
  const proof = parseSignature(headers, body, noon);
  expect(proof && verifySignature([secret], proof)).toBe(true);
  expect(parseInteraction(body)).toMatchObject(interaction);
});

test('field values are read by action_id', () => {
  const submitted = parseInteraction(sample('submit-a-denial').body);
  expect(submitted).toMatchObject({
    fieldValues: new Map([
      ['reason', 'unbekannt – nicht unser Kunde'],
      ['block', 'yes'],
    ]),
  });
});

test('the malformed sample is parsed as no interaction', () => {
  expect(parseInteraction(sample('malformed').body)).toBeUndefined();
});
