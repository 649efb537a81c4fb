import type { NormalizedSchema } from '@smithy/core/schema';
import { AwsError, type AwsService } from '../aws/aws-service.ts';
import { fromJson, toJson } from './json.ts';
import { awsNaming, ec2Naming, parseQuery } from './query.ts';
import { type ErrorTraits, errorTraits, operationSchema, requiredMembers } from './schema.ts';
import { escapeXml, membersToXml, toXml } from './xml.ts';

export interface WireRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly body: Buffer;
}

export interface WireResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

type Protocol = AwsService['protocol'];

/** Parses a request to its operation and typed input. Throws `AwsError`. */
export async function parseRequest(
  service: AwsService,
  request: WireRequest,
): Promise<{ operation: string; input: unknown }> {
  const protocol = chooseProtocol(service, String(request.headers['content-type'] ?? ''));
  return protocol === 'ec2Query' || protocol === 'awsQuery'
    ? parseQueryRequest(service, protocol, request)
    : parseJsonRequest(service, request);
}

async function parseQueryRequest(service: AwsService, protocol: Protocol, request: WireRequest) {
  const parameters = new URLSearchParams(request.body.toString());
  for (const [name, value] of new URL(request.url, 'http://localhost').searchParams)
    parameters.set(name, value);
  const operation = parameters.get('Action');
  if (!operation) throw new AwsError('MissingAction', 'The request must contain the parameter Action');
  const schema = service.operations[operation] && (await operationSchema(service, operation));
  if (!schema)
    throw new AwsError('InvalidAction', `The action ${operation} is not valid for this web service.`);

  const input = parseQuery(schema.input, parameters, protocol === 'ec2Query' ? ec2Naming : awsNaming);
  // EC2's operations check required parameters themselves: the schema marks only some of them.
  if (protocol === 'awsQuery') requireMembers(schema.input, input, 'ValidationError');
  return { operation, input };
}

async function parseJsonRequest(service: AwsService, request: WireRequest) {
  const operation =
    String(request.headers['x-amz-target'] ?? '')
      .split('.')
      .at(-1) ?? '';
  const schema = service.operations[operation] && (await operationSchema(service, operation));
  if (!schema) throw new AwsError('UnknownOperationException', `Unknown operation ${operation}`);

  const input = fromJson(schema.input, parseJson(request.body));
  requireMembers(schema.input, input, 'ValidationException');
  return { operation, input };
}

/** Throws `AwsError` if the body is not JSON. */
export function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString() || '{}');
  } catch (cause) {
    throw new AwsError('SerializationException', `cannot parse the request: ${String(cause)}`);
  }
}

function requireMembers(schema: NormalizedSchema, input: unknown, code: string) {
  const memberValues = input as Readonly<Record<string, unknown>>;
  for (const member of requiredMembers(schema))
    if (memberValues[member] === undefined)
      throw new AwsError(
        code,
        `1 validation error detected: Value null at '${member.charAt(0).toLowerCase()}${member.slice(1)}' failed to satisfy constraint: Member must not be null`,
      );
}

/** `requestContentType`: some clients of JSON services still send queries and expect XML. */
export async function formatOutput(
  service: AwsService,
  operation: string,
  output: unknown,
  requestId: string,
  requestContentType = '',
): Promise<WireResponse> {
  const schema = await operationSchema(service, operation);
  if (!schema) throw new Error(`\`${service.signingName}\` has no operation \`${operation}\``);
  const protocol = chooseProtocol(service, requestContentType);
  const answer = (output ?? {}) as object;
  if (protocol === 'ec2Query')
    return xmlResponse(
      200,
      requestId,
      `<${operation}Response xmlns="${service.xmlNamespace}"><requestId>${requestId}</requestId>${membersToXml(schema.output, answer)}</${operation}Response>`,
    );
  if (protocol === 'awsQuery') {
    const result = schema.output.isStructSchema() ? toXml(schema.output, answer, `${operation}Result`) : '';
    return xmlResponse(
      200,
      requestId,
      `<${operation}Response xmlns="${service.xmlNamespace}">${result}<ResponseMetadata><RequestId>${requestId}</RequestId></ResponseMetadata></${operation}Response>`,
    );
  }
  return jsonResponse(200, protocol, requestId, toJson(schema.output, answer));
}

export async function formatError(
  service: AwsService,
  error: AwsError,
  requestId: string,
  requestContentType = '',
): Promise<WireResponse> {
  const traits = await errorTraits(service, error.code);
  const protocol = chooseProtocol(service, requestContentType);
  if (protocol === 'ec2Query')
    return xmlResponse(
      error.status ?? 400,
      requestId,
      `<Response><Errors><Error>${codeAndMessage(error.code, error)}</Error></Errors><RequestID>${requestId}</RequestID></Response>`,
    );
  if (protocol === 'awsQuery') {
    const status = error.status ?? traits?.query?.[1] ?? traits?.status ?? 400;
    const type = status < 500 ? 'Sender' : 'Receiver';
    return xmlResponse(
      status,
      requestId,
      `<ErrorResponse xmlns="${service.xmlNamespace}"><Error><Type>${type}</Type>${codeAndMessage(traits?.query?.[0] ?? error.code, error)}</Error><RequestId>${requestId}</RequestId></ErrorResponse>`,
    );
  }
  return jsonError(protocol, error, traits, requestId);
}

function jsonError(
  protocol: Protocol,
  error: AwsError,
  traits: ErrorTraits | undefined,
  requestId: string,
): WireResponse {
  const type = traits ? `${traits.namespace}#${error.code}` : error.code;
  const response = jsonResponse(error.status ?? traits?.status ?? 400, protocol, requestId, {
    __type: type,
    message: error.message,
  });
  if (!traits?.query) return response;
  const fault = response.status < 500 ? 'Sender' : 'Receiver';
  return {
    ...response,
    headers: { ...response.headers, 'x-amzn-query-error': `${traits.query[0]};${fault}` },
  };
}

function chooseProtocol(service: AwsService, contentType: string): Protocol {
  if (service.protocol === 'ec2Query' || !contentType.startsWith('application/x-www-form-urlencoded'))
    return service.protocol;
  return 'awsQuery';
}

export function codeAndMessage(code: string, error: AwsError): string {
  return `<Code>${escapeXml(code)}</Code><Message>${escapeXml(error.message)}</Message>`;
}

export function xmlResponse(status: number, requestId: string, xml: string): WireResponse {
  return {
    status,
    headers: { 'content-type': 'text/xml;charset=UTF-8', 'x-amzn-requestid': requestId },
    body: `<?xml version="1.0" encoding="UTF-8"?>\n${xml}`,
  };
}

export function jsonResponse(
  status: number,
  protocol: Protocol,
  requestId: string,
  json: unknown,
): WireResponse {
  return {
    status,
    headers: {
      'content-type': protocol === 'awsJson1_0' ? 'application/x-amz-json-1.0' : 'application/x-amz-json-1.1',
      'x-amzn-requestid': requestId,
    },
    body: JSON.stringify(json),
  };
}
