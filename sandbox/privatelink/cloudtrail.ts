import type { CreateTagsRequest, DeleteTagsRequest } from '@aws-sdk/client-ec2';
import type { NormalizedSchema } from '@smithy/core/schema';
import type { Caller } from '../aws/aws-service.ts';

/** An EC2 call that CloudTrail records in the account of the caller. */
export interface RecordedCall {
  readonly operation: string;
  readonly input: unknown;
  /** Undefined if the call failed. */
  readonly output: unknown;
  readonly error?: { readonly code: string; readonly message: string } | undefined;
  readonly schema: { readonly input: NormalizedSchema; readonly output: NormalizedSchema };
  readonly caller: Caller;
  /** The time of the call. */
  readonly time: number;
  readonly requestId: string;
  readonly eventId: string;
}

const xmlNamespace = 'http://ec2.amazonaws.com/doc/2016-11-15/';

/** Builds the event of the call as EventBridge delivers it, in the casing of EC2's records. */
export function cloudTrailEvent(call: RecordedCall) {
  const { operation, caller, error, requestId, eventId } = call;
  const time = `${new Date(call.time).toISOString().slice(0, -5)}Z`;
  const { accountId, region } = caller;
  return {
    version: '0',
    id: eventId,
    'detail-type': 'AWS API Call via CloudTrail',
    source: 'aws.ec2',
    account: accountId,
    time,
    region,
    resources: [],
    detail: {
      eventVersion: '1.08',
      userIdentity: userIdentity(caller, time),
      eventTime: time,
      eventSource: 'ec2.amazonaws.com',
      eventName: operation,
      awsRegion: region,
      sourceIPAddress: '127.0.0.1',
      userAgent: 'linkgate-sandbox',
      ...(error && { errorCode: error.code, errorMessage: error.message }),
      requestParameters: requestParameters(call),
      responseElements: error ? null : { [`${operation}Response`]: responseElements(call) },
      requestID: requestId,
      eventID: eventId,
      readOnly: operation.startsWith('Describe'),
      eventType: 'AwsApiCall',
      managementEvent: true,
      eventCategory: 'Management',
      recipientAccountId: accountId,
    },
  };
}

function userIdentity({ arn, accountId }: Caller, time: string) {
  const [, partition, roleName, session] =
    /^(arn:[^:]+):sts::\d+:assumed-role\/([^/]+)\/(.+)$/.exec(arn) ?? [];
  if (roleName === undefined) return { type: 'Root', principalId: accountId, arn, accountId };
  const principalId = 'AROAEXAMPLE';
  return {
    type: 'AssumedRole',
    principalId: `${principalId}:${session}`,
    arn,
    accountId,
    sessionContext: {
      sessionIssuer: {
        type: 'Role',
        principalId,
        arn: `${partition}:iam::${accountId}:role/${roleName}`,
        accountId,
        userName: roleName,
      },
      attributes: { creationDate: time, mfaAuthenticated: 'false' },
    },
  };
}

/** The oldest operations, such as CreateTags, have a form of their own. */
function requestParameters({ operation, schema, input }: RecordedCall): object {
  if (operation !== 'CreateTags' && operation !== 'DeleteTags')
    return { [`${operation}Request`]: requestValue(schema.input, input) };
  const { Resources = [], Tags = [] } = input as CreateTagsRequest | DeleteTagsRequest;
  return {
    resourcesSet: { items: Resources.map((resourceId) => ({ resourceId })) },
    tagSet: { items: Tags.map(({ Key: key, Value: value }) => ({ key, value })) },
  };
}

/** Parameters have the names of the query protocol; list elements carry their index. */
function requestValue(schema: NormalizedSchema, value: unknown): unknown {
  if (schema.isListSchema()) {
    const member = schema.getValueSchema();
    return unwrapSingle(
      (value as readonly unknown[]).map((element, index) => {
        const content = requestValue(member, element);
        return { tag: index + 1, ...(member.isStructSchema() ? (content as object) : { content }) };
      }),
    );
  }
  if (!schema.isStructSchema()) return scalar(value);
  return orEmpty(
    members(schema, value).map(([name, member, memberValue]) => {
      const { ec2QueryName, xmlName = name } = traits(member);
      return [
        ec2QueryName ?? xmlName.charAt(0).toUpperCase() + xmlName.slice(1),
        requestValue(member, memberValue),
      ];
    }),
  );
}

function responseElements({ schema, output, requestId }: RecordedCall) {
  const elements = responseValue(schema.output, output);
  return { xmlns: xmlNamespace, requestId, ...(typeof elements === 'object' ? elements : {}) };
}

/** Elements have the names of the XML response; lists are of `item`, and empty values are `""`. */
function responseValue(schema: NormalizedSchema, value: unknown): unknown {
  if (schema.isListSchema()) {
    const items = (value as readonly unknown[]).map((item) => responseValue(schema.getValueSchema(), item));
    return items.length === 0 ? '' : { item: unwrapSingle(items) };
  }
  if (!schema.isStructSchema()) return scalar(value);
  return orEmpty(
    members(schema, value).map(([name, member, memberValue]) => {
      const element = traits(member).xmlName ?? name;
      // EC2's records have this value as a number, so account ids lose their leading zeros.
      return [element, element === 'ownerId' ? Number(memberValue) : responseValue(member, memberValue)];
    }),
  );
}

function members(schema: NormalizedSchema, value: unknown) {
  const memberValues = (value ?? {}) as Readonly<Record<string, unknown>>;
  return [...schema.structIterator()].flatMap(([name, member]) =>
    memberValues[name] === undefined ? [] : [[name, member, memberValues[name]] as const],
  );
}

function traits(member: NormalizedSchema): { readonly ec2QueryName?: string; readonly xmlName?: string } {
  return member.getMergedTraits();
}

/** CloudTrail writes a single element as an object and several as an array. */
function unwrapSingle(elements: readonly unknown[]): unknown {
  return elements.length === 1 ? elements[0] : elements;
}

function orEmpty(entries: readonly (readonly [string, unknown])[]): object | '' {
  return entries.length === 0 ? '' : Object.fromEntries(entries);
}

function scalar(value: unknown): unknown {
  return value instanceof Date ? value.toISOString() : value;
}
