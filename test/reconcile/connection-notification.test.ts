import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { findServiceIds, parseNotification } from '../../lib/reconcile/connection-notification.ts';
import { aConnection, endpointId, hub, serviceId, topicArn } from '../builders.ts';

/** Wraps a message in SNS's envelope for a queue. */
function wrapInSns(message: string): string {
  return JSON.stringify({ Type: 'Notification', TopicArn: topicArn, Message: message });
}

const ids = { endpointIds: [endpointId(1)], serviceIds: [serviceId(1)] };

describe('a connection notification', () => {
  test.each([
    ['camel-case JSON', JSON.stringify({ vpcEndpointId: endpointId(1), vpcEndpointServiceId: serviceId(1) })],
    ['Pascal-case JSON', JSON.stringify({ VpcEndpointId: endpointId(1), ServiceId: serviceId(1) })],
    ['text', `Connect: VPC endpoint ${endpointId(1)}, service ${serviceId(1)}.`],
    ['JSON inside JSON', JSON.stringify({ detail: JSON.stringify({ id: endpointId(1), of: serviceId(1) }) })],
    ['text with an ARN', `arn:aws:ec2:us-east-1:111111111111:vpc-endpoint/${endpointId(1)} ${serviceId(1)}`],
  ])('as %s is parsed with its endpoint and its service', (_style, message) => {
    expect(parseNotification(wrapInSns(message))).toEqual({ location: hub, topicArn, ...ids });
  });

  test('with several endpoint ids yields each of them once', () => {
    const message = [1, 2, 1].map(endpointId).join(' ');
    expect(parseNotification(wrapInSns(message))?.endpointIds).toEqual([endpointId(1), endpointId(2)]);
  });

  test('without an endpoint id is still a notification of its topic', () => {
    const notification = parseNotification(wrapInSns('A VPC endpoint connection event occurred'));
    expect(notification).toEqual({ location: hub, topicArn, endpointIds: [], serviceIds: [] });
  });

  test('with only a service id yields no endpoint', () => {
    expect(parseNotification(wrapInSns(serviceId(1)))?.endpointIds).toEqual([]);
  });

  test('with an id that is too long or too short yields no endpoint', () => {
    expect(
      parseNotification(wrapInSns('vpce-123 vpce-00000000000000000000 vpce-nfn-00000000000000001')),
    ).toMatchObject({
      endpointIds: [],
      serviceIds: [],
    });
  });

  test('belongs to the account and Region of its topic, in every AWS partition', () => {
    const body = { TopicArn: 'arn:aws-us-gov:sns:us-gov-west-1:222222222222:connections', Message: '' };
    expect(parseNotification(JSON.stringify(body))?.location).toEqual({
      accountId: '222222222222',
      region: 'us-gov-west-1',
    });
  });
});

describe('an event from a bus', () => {
  test('of CloudTrail names the endpoints of the request', () => {
    const body = {
      source: 'aws.ec2',
      account: hub.accountId,
      region: hub.region,
      detail: {
        requestParameters: {
          AcceptVpcEndpointConnectionsRequest: {
            ServiceId: serviceId(1),
            VpcEndpointId: { tag: 1, content: endpointId(1) },
          },
        },
      },
    };
    expect(parseNotification(JSON.stringify(body))).toEqual({ location: hub, ...ids });
  });

  test('of linkgate belongs to the location of the connection, not of the bus', () => {
    const location = { accountId: '222222222222', region: 'eu-west-1' };
    const body = {
      account: hub.accountId,
      region: hub.region,
      detail: { connection: aConnection({ location }) },
    };
    expect(parseNotification(JSON.stringify(body))).toEqual({ location, ...ids });
  });
});

test.each([
  '',
  'not JSON',
  '17',
  'null',
  '[]',
  '{}',
  '{"Message":"no topic"}',
  '{"TopicArn":"x","Message":""}',
  '{"detail":null}',
])('any other body is not parsed as a notification: %s', (body) => {
  expect(parseNotification(body)).toBeUndefined();
});

test('service ids are parsed anywhere in a text', () => {
  expect(findServiceIds(`{"ServiceId":"${serviceId(1)}"} ${serviceId(2)} ${serviceId(1)}`)).toEqual([
    serviceId(1),
    serviceId(2),
  ]);
});

describe('the sample event', () => {
  const folder = new URL('../../events/on-connection-notification/', import.meta.url);
  const expected: Record<string, string | undefined> = {
    'connect-camel-json.json': '1 endpoint, 1 service',
    'connect-pascal-json.json': '1 endpoint, 1 service',
    'connect-text.json': '1 endpoint, 1 service',
    'connect-without-ids.json': '0 endpoints, 0 services',
    'connect-several-endpoints.json': '3 endpoints, 2 services',
    'delete-text.json': '1 endpoint, 1 service',
    'service-not-ours.json': '1 endpoint, 1 service',
    'unparseable.json': undefined,
    'recheck.json': '1 endpoint, 1 service',
    'accepted-by-hand.json': '2 endpoints, 1 service',
  };

  test.each(readdirSync(folder))('%s names the expected endpoints and services', (file) => {
    const { Records } = JSON.parse(readFileSync(new URL(file, folder), 'utf8'));
    const notification = parseNotification(Records[0].body);
    const summary =
      notification &&
      `${formatCount(notification.endpointIds, 'endpoint')}, ${formatCount(notification.serviceIds, 'service')}`;
    expect(Object.keys(expected)).toContain(file);
    expect(summary).toBe(expected[file]);
  });

  function formatCount(values: readonly string[], noun: string): string {
    return `${values.length} ${noun}${values.length === 1 ? '' : 's'}`;
  }
});
