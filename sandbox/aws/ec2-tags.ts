import type {
  CreateTagsRequest,
  DeleteTagsRequest,
  DescribeTagsRequest,
  DescribeTagsResult,
  ResourceType,
  Tag,
  TagSpecification,
} from '@aws-sdk/client-ec2';
import type { ResourceLocation } from '../privatelink/model.ts';
import { isOwnedBy } from '../privatelink/model.ts';
import type { PrivateLink } from '../privatelink/privatelink.ts';
import type { OperationContext } from './aws-service.ts';
import { AwsError } from './aws-service.ts';
import type { FilterTable } from './ec2-filters.ts';
import { applyFilters } from './ec2-filters.ts';
import { paginate } from './ec2-paging.ts';

const maxTags = 50;

interface TagRow {
  readonly resourceId: string;
  readonly resourceType: ResourceType;
  readonly key: string;
  readonly value: string;
}

const tagFilters: FilterTable<TagRow> = {
  key: ({ key }) => key,
  'resource-id': ({ resourceId }) => resourceId,
  'resource-type': ({ resourceType }) => resourceType,
  value: ({ value }) => value,
};

/** Finds a resource that the caller may tag: a provider its services and connections, a consumer its endpoints. */
export function findTaggedResource(
  { state }: PrivateLink,
  location: ResourceLocation,
  resourceId: string,
): ResourceType | undefined {
  const connected = state.endpoints[resourceId.replace(/^vpce-con-/, 'vpce-')];
  const isConnection = connected?.connectionId === resourceId;
  const service = state.services[isConnection ? connected.serviceId : resourceId];
  if (service !== undefined && isOwnedBy(location, service))
    return isConnection ? 'vpc-endpoint-connection' : 'vpc-endpoint-service';
  const endpoint = state.endpoints[resourceId];
  return endpoint !== undefined && isOwnedBy(location, endpoint) ? 'vpc-endpoint' : undefined;
}

export function tagList(tags: Readonly<Record<string, string>> | undefined): Tag[] {
  return Object.entries(tags ?? {}).map(([Key, Value]) => ({ Key, Value }));
}

/** Returns the tags that a create call specifies for a resource type. */
export function readTagSpecifications(
  specifications: readonly TagSpecification[] | undefined,
  resourceType: ResourceType,
): Record<string, string> {
  const other = specifications?.find((specification) => specification.ResourceType !== resourceType);
  if (other !== undefined)
    throw new AwsError(
      'InvalidParameterValue',
      `'${other.ResourceType}' is not a valid taggable resource type for this operation.`,
    );
  return mergeTags({}, specifications?.flatMap(({ Tags }) => Tags ?? []) ?? []);
}

/** Adds tags, and enforces AWS's limits for tags. */
function mergeTags(present: Readonly<Record<string, string>>, more: readonly Tag[]): Record<string, string> {
  for (const { Key = '', Value = '' } of more) {
    if (/^aws:/i.test(Key))
      throw new AwsError(
        'InvalidParameterValue',
        'Tag keys starting with `aws:` are reserved for internal use',
      );
    if (Key.length === 0 || Key.length > 128 || Value.length > 256)
      throw new AwsError('InvalidParameterValue', `Tag key or value of '${Key}' is too long or empty.`);
  }
  const all = { ...present, ...Object.fromEntries(more.map(({ Key = '', Value = '' }) => [Key, Value])) };
  if (Object.keys(all).length > maxTags)
    throw new AwsError('TagLimitExceeded', `The maximum number of tags for a resource is ${maxTags}.`);
  return all;
}

export function tagOperations(privateLink: PrivateLink) {
  const { tags } = privateLink.state;

  function requireResources(location: ResourceLocation, resourceIds: readonly string[]): void {
    const unknown = resourceIds.find((id) => findTaggedResource(privateLink, location, id) === undefined);
    if (unknown !== undefined) throw new AwsError('InvalidID', `The ID '${unknown}' is not valid`);
  }

  return {
    CreateTags({ Resources = [], Tags = [] }: CreateTagsRequest, { caller }: OperationContext): object {
      requireResources(caller, Resources);
      const updated = Resources.map((id) => [id, mergeTags(tags[id] ?? {}, Tags)] as const);
      Object.assign(tags, Object.fromEntries(updated));
      return {};
    },

    DeleteTags({ Resources = [], Tags }: DeleteTagsRequest, { caller }: OperationContext): object {
      requireResources(caller, Resources);
      // DeleteTags removes a tag with a value only if it has that value. Without tags it removes all.
      const isRemoved = (key: string, value: string) =>
        Tags?.some((tag) => tag.Key === key && (tag.Value === undefined || tag.Value === value)) ?? true;
      for (const id of Resources)
        tags[id] = Object.fromEntries(
          Object.entries(tags[id] ?? {}).filter(([key, value]) => !isRemoved(key, value)),
        );
      return {};
    },

    DescribeTags(input: DescribeTagsRequest, context: OperationContext): DescribeTagsResult {
      const rows = Object.entries(tags).flatMap(([resourceId, resourceTags]): TagRow[] => {
        const resourceType = findTaggedResource(privateLink, context.caller, resourceId);
        if (resourceType === undefined) return [];
        return Object.entries(resourceTags).map(([key, value]) => ({ resourceId, resourceType, key, value }));
      });
      const position = ({ resourceId, key }: TagRow) => `${resourceId} ${key}`;
      const ordered = applyFilters(rows, input.Filters, tagFilters).toSorted((a, b) =>
        position(a) < position(b) ? -1 : 1,
      );
      const { rows: page, NextToken } = paginate('DescribeTags', ordered, position, input, context);
      return {
        Tags: page.map(({ resourceId, resourceType, key, value }) => ({
          ResourceId: resourceId,
          ResourceType: resourceType,
          Key: key,
          Value: value,
        })),
        NextToken,
      };
    },
  };
}
