import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { parseExternalAdditions } from '../../../lib/services/allowed-principals/external-additions.ts';
import { alice, serviceId } from '../../builders.ts';

function body(added: unknown, userIdentity: object = { arn: alice }): string {
  return JSON.stringify({
    detail: {
      eventName: 'ModifyVpcEndpointServicePermissions',
      eventTime: '2026-11-21T12:00:00Z',
      userIdentity,
      requestParameters: {
        ModifyVpcEndpointServicePermissionsRequest: {
          ServiceId: serviceId(1),
          ...(added !== undefined && { AddAllowedPrincipals: added }),
        },
      },
    },
  });
}

const at = '2026-11-21T12:00:00.000Z';

test('one added principal is parsed from an object in the CloudTrail event', () => {
  expect(parseExternalAdditions(body({ tag: 1, content: '*' }))).toEqual({
    serviceId: serviceId(1),
    additions: [{ principal: '*', by: alice, at }],
  });
});

test('several added principals are parsed from an array in the CloudTrail event', () => {
  const added = ['*', '022222222222'].map((content, index) => ({ tag: index + 1, content }));
  expect(parseExternalAdditions(body(added))?.additions).toMatchObject([
    { principal: '*' },
    { principal: '022222222222' },
  ]);
});

test('the author of an addition can be an AWS service', () => {
  const parsed = parseExternalAdditions(
    body({ content: '*' }, { type: 'AWSService', invokedBy: 'x.amazonaws.com' }),
  );
  expect(parsed?.additions).toMatchObject([{ by: 'x.amazonaws.com' }]);
});

test.each([
  ['a removal', body(undefined)],
  ['an event without an author', body({ content: '*' }, {})],
  ['another call', body({ content: '*' }).replace('ModifyVpcEndpointServicePermissions"', 'CreateTags"')],
  ['a body that is not JSON', 'not JSON'],
])('no addition is parsed from %s', (_what, text) => {
  expect(parseExternalAdditions(text)).toBeUndefined();
});

test('the addition in the sample event is parsed', () => {
  const sample = new URL('../../../events/check-service/principals-changed.json', import.meta.url);
  const [record] = JSON.parse(readFileSync(sample, 'utf8')).Records;
  expect(parseExternalAdditions(record.body)?.additions).toEqual([{ principal: '*', by: alice, at }]);
});
