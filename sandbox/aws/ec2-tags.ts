import type * as Client from '@aws-sdk/client-ec2';
import { isOwnedBy, type ResourceLocation } from '../privatelink/model.ts';
import type { PrivateLink } from '../privatelink/privatelink.ts';
import { AwsError, type OperationContext } from './aws-service.ts';

/** Finds a resource that the caller may tag: a provider its services and connections, a consumer its endpoints. */
export function findTaggedResource(
  { state }: PrivateLink,
  location: ResourceLocation,
  resourceId: string,
): Client.ResourceType | undefined {
  const connected = state.endpoints[resourceId.replace(/^vpce-con-/, 'vpce-')];
  const isConnection = connected?.connectionId === resourceId;
  const service = state.services[isConnection ? connected.serviceId : resourceId];
  if (service !== undefined && isOwnedBy(location, service))
    return isConnection ? 'vpc-endpoint-connection' : 'vpc-endpoint-service';
  const endpoint = state.endpoints[resourceId];
  return endpoint !== undefined && isOwnedBy(location, endpoint) ? 'vpc-endpoint' : undefined;
}

export function tagList(tags: Readonly<Record<string, string>> | undefined): Client.Tag[] {
  return Object.entries(tags ?? {}).map(([Key, Value]) => ({ Key, Value }));
}

/** Returns the tags that a create call specifies for a resource type. */
export function readTagSpecifications(
  specifications: readonly Client.TagSpecification[] | undefined,
  resourceType: Client.ResourceType,
): Record<string, string> {
  const other = specifications?.find((specification) => specification.ResourceType !== resourceType);
  if (other !== undefined)
    throw new AwsError(
      'InvalidParameterValue',
      `'${other.ResourceType}' is not a valid taggable resource type for this operation.`,
    );
  return mergeTags({}, specifications?.flatMap(({ Tags }) => Tags ?? []) ?? []);
}

/** Adds tags. The sandbox has no limits on their number and length. */
function mergeTags(
  present: Readonly<Record<string, string>>,
  more: readonly Client.Tag[],
): Record<string, string> {
  if (more.some(({ Key = '' }) => /^aws:/i.test(Key)))
    throw new AwsError(
      'InvalidParameterValue',
      'Tag keys starting with `aws:` are reserved for internal use',
    );
  return { ...present, ...Object.fromEntries(more.map(({ Key = '', Value = '' }) => [Key, Value])) };
}

export function tagOperations(privateLink: PrivateLink) {
  const { tags } = privateLink.state;

  function requireResources(location: ResourceLocation, resourceIds: readonly string[]): void {
    const unknown = resourceIds.find((id) => findTaggedResource(privateLink, location, id) === undefined);
    if (unknown !== undefined) throw new AwsError('InvalidID', `The ID '${unknown}' is not valid`);
  }

  return {
    CreateTags(
      { Resources = [], Tags = [] }: Client.CreateTagsRequest,
      { caller }: OperationContext,
    ): object {
      requireResources(caller, Resources);
      const updated = Resources.map((id) => [id, mergeTags(tags[id] ?? {}, Tags)] as const);
      Object.assign(tags, Object.fromEntries(updated));
      return {};
    },

    DeleteTags({ Resources = [], Tags }: Client.DeleteTagsRequest, { caller }: OperationContext): object {
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
  };
}
