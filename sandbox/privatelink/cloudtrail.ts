import type { CreateTagsRequest, DeleteTagsRequest } from '@aws-sdk/client-ec2';
import type { NormalizedSchema } from '@smithy/core/schema';
import type { Caller } from '../aws/aws-service.ts';

/** A successful EC2 call that CloudTrail records in the account of the caller. */
export interface RecordedCall {
  readonly operation: string;
  readonly input: unknown;
  readonly schema: { readonly input: NormalizedSchema };
  readonly caller: Caller;
  /** The time of the call. */
  readonly time: number;
  readonly requestId: string;
  readonly eventId: string;
}

/**
 * Builds the event of the call as EventBridge delivers it, in the casing of EC2's records, without the elements of the
 * response, which linkgate does not read.
 */
export function cloudTrailEvent(call: RecordedCall) {
  const { operation, caller, requestId, eventId } = call;
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
      userIdentity: userIdentity(caller),
      eventTime: time,
      eventSource: 'ec2.amazonaws.com',
      eventName: operation,
      awsRegion: region,
      requestParameters: requestParameters(call),
      requestID: requestId,
      eventID: eventId,
      recipientAccountId: accountId,
    },
  };
}

function userIdentity({ arn, accountId }: Caller) {
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
  if (!schema.isStructSchema()) return value;
  const memberValues = (value ?? {}) as Readonly<Record<string, unknown>>;
  const entries = [...schema.structIterator()]
    .filter(([name]) => memberValues[name] !== undefined)
    .map(([name, member]) => {
      const { ec2QueryName, xmlName = name } = traits(member);
      const parameter = ec2QueryName ?? xmlName.charAt(0).toUpperCase() + xmlName.slice(1);
      return [parameter, requestValue(member, memberValues[name])];
    });
  return entries.length === 0 ? '' : Object.fromEntries(entries);
}

function traits(member: NormalizedSchema): { readonly ec2QueryName?: string; readonly xmlName?: string } {
  return member.getMergedTraits();
}

/** CloudTrail writes a single element as an object and several as an array. */
function unwrapSingle(elements: readonly unknown[]): unknown {
  return elements.length === 1 ? elements[0] : elements;
}
