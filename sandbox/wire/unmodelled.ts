import { cbor } from '@smithy/core/cbor';
import type { AwsError } from '../aws/aws-service.ts';
import { codeAndMessage, jsonResponse, type WireRequest, type WireResponse, xmlResponse } from './wire.ts';

type Protocol = 'rpcV2Cbor' | 'awsJson1_0' | 'awsJson1_1' | 'awsQuery' | 'restXml' | 's3' | 'restJson1';

/** CBOR is binary. */
export type UnmodelledResponse = Omit<WireResponse, 'body'> & { readonly body: string | Uint8Array };

/** The REST XML services by signing name; their requests have no `Action`. */
const restXmlServices = ['cloudfront', 'route53'];

/** Returns the error code for an unknown action, by protocol. */
export function unknownAction(protocol: Protocol): string {
  if (protocol === 's3') return 'NotImplemented';
  return protocol === 'awsQuery' || protocol === 'restXml' ? 'InvalidAction' : 'UnknownOperationException';
}

/** Detects the protocol of a request to a service that the sandbox does not model. */
export function detectProtocol({ headers, url, body }: WireRequest, signingName = ''): Protocol {
  const contentType = String(headers['content-type'] ?? '');
  if (headers['smithy-protocol'] === 'rpc-v2-cbor') return 'rpcV2Cbor';
  if (headers['x-amz-target'] !== undefined)
    return contentType === 'application/x-amz-json-1.0' ? 'awsJson1_0' : 'awsJson1_1';
  const parameters = contentType.startsWith('application/x-www-form-urlencoded') ? body.toString() : '';
  if (/(^|[?&])Action=/.test(`${url}&${parameters}`)) return 'awsQuery';
  if (/^s3\b/.test(signingName)) return 's3';
  return restXmlServices.includes(signingName) ? 'restXml' : 'restJson1';
}

/** Formats an error in the protocol of the request. */
export function formatUnmodelled(protocol: Protocol, error: AwsError, requestId: string): UnmodelledResponse {
  const { code, message, status = 400 } = error;
  const json = { __type: code, message };
  switch (protocol) {
    case 'rpcV2Cbor':
      return {
        status,
        headers: {
          'content-type': 'application/cbor',
          'smithy-protocol': 'rpc-v2-cbor',
          'x-amzn-requestid': requestId,
        },
        body: cbor.serialize(json),
      };
    case 'awsQuery':
    case 'restXml':
      return xmlResponse(
        status,
        requestId,
        `<ErrorResponse><Error><Type>Sender</Type>${codeAndMessage(code, error)}</Error><RequestId>${requestId}</RequestId></ErrorResponse>`,
      );
    case 's3':
      return xmlResponse(
        status,
        requestId,
        `<Error>${codeAndMessage(code, error)}<RequestId>${requestId}</RequestId></Error>`,
      );
    case 'restJson1':
      return {
        status,
        headers: {
          'content-type': 'application/json',
          'x-amzn-errortype': code,
          'x-amzn-requestid': requestId,
        },
        body: JSON.stringify(json),
      };
    default:
      return jsonResponse(status, protocol, requestId, json);
  }
}
