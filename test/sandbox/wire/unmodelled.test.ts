import { expect, test } from '@jest/globals';
import { cbor } from '@smithy/core/cbor';
import { AwsError } from '../../../sandbox/aws/aws-service.ts';
import { detectProtocol, formatUnmodelled, unknownAction } from '../../../sandbox/wire/unmodelled.ts';

interface RequestParts {
  readonly url?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string;
}

const request = ({ url = '/', headers = {}, body = '' }: RequestParts) => ({
  method: 'POST',
  url,
  headers,
  body: Buffer.from(body),
});

const form = { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' };
const xml = /^<\?xml version="1.0" encoding="UTF-8"\?>\n/;

const protocols: readonly (readonly [string, RequestParts, string, string, RegExp])[] = [
  [
    'elasticloadbalancing',
    { headers: form, body: 'Version=2015-12-01&Action=DescribeLoadBalancers' },
    'InvalidAction',
    'text/xml',
    /<ErrorResponse><Error><Type>Sender<\/Type><Code>InvalidAction<\/Code><Message>not &#60;here&#62;<\/Message><\/Error><RequestId>1<\/RequestId><\/ErrorResponse>$/,
  ],
  [
    'iam',
    { url: '/?Action=ListUsers&Version=2010-05-08' },
    'InvalidAction',
    'text/xml',
    /<Code>InvalidAction</,
  ],
  ['route53', { url: '/2013-04-01/hostedzone' }, 'InvalidAction', 'text/xml', /<ErrorResponse><Error>/],
  ['s3', { url: '/bucket?list-type=2' }, 'NotImplemented', 'text/xml', /\n<Error><Code>NotImplemented</],
  [
    'kms',
    { headers: { 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': 'TrentService.ListKeys' } },
    'UnknownOperationException',
    'application/x-amz-json-1.1',
    /^\{"__type":"UnknownOperationException","message":"not <here>"\}$/,
  ],
  [
    'states',
    { headers: { 'content-type': 'application/x-amz-json-1.0', 'x-amz-target': 'AWSStepFunctions.ListX' } },
    'UnknownOperationException',
    'application/x-amz-json-1.0',
    /"__type":"UnknownOperationException"/,
  ],
  [
    'lambda',
    { url: '/2015-03-31/functions?Marker=Action' },
    'UnknownOperationException',
    'application/json',
    /"message":"not <here>"/,
  ],
];

test.each(protocols)(
  '%s, which is not modelled, gets an error in its own protocol',
  (name, parts, code, type, body) => {
    const protocol = detectProtocol(request(parts), name);
    const error = new AwsError(unknownAction(protocol), 'not <here>', 400);
    const answer = formatUnmodelled(protocol, error, '1');
    expect(error.code).toBe(code);
    expect(answer.headers['content-type']).toContain(type);
    expect(answer.body).toMatch(body);
    if (type === 'text/xml') expect(answer.body).toMatch(xml);
    if (type === 'application/json') expect(answer.headers['x-amzn-errortype']).toBe(code);
  },
);

test('a CBOR client gets a CBOR response', () => {
  const headers = { 'smithy-protocol': 'rpc-v2-cbor', 'content-type': 'application/cbor' };
  const protocol = detectProtocol(request({ url: '/service/Any/operation/List', headers }), 'any');
  const answer = formatUnmodelled(protocol, new AwsError(unknownAction(protocol), 'not here', 400), '1');
  expect(answer).toMatchObject({ status: 400, headers });
  expect(cbor.deserialize(answer.body as Uint8Array)).toEqual({
    __type: 'UnknownOperationException',
    message: 'not here',
  });
});
