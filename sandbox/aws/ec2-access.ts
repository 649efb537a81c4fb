import type { Tag, TagSpecification } from '@aws-sdk/client-ec2';
import type { PrivateLink } from '../privatelink/privatelink.ts';
import type { Access, Caller } from './aws-service.ts';
import { findTaggedResource } from './ec2-tags.ts';

/** The input members of all operations that name resources. */
interface AccessedResources {
  readonly ServiceId?: string;
  readonly ServiceIds?: readonly string[];
  readonly VpcEndpointId?: string;
  readonly VpcEndpointIds?: readonly string[];
  readonly ConnectionNotificationId?: string;
  readonly ConnectionNotificationIds?: readonly string[];
  readonly Resources?: readonly string[];
  readonly Tags?: readonly Tag[];
  readonly TagSpecifications?: readonly TagSpecification[];
}

type Resources = (input: AccessedResources, caller: Caller, privateLink: PrivateLink) => readonly string[];

const services: Resources = ({ ServiceId, ServiceIds }, caller) =>
  [ServiceId ?? [], ServiceIds ?? []].flat().map((id) => arn(caller, 'vpc-endpoint-service', id));
const endpoints: Resources = ({ VpcEndpointId, VpcEndpointIds }, caller) =>
  [VpcEndpointId ?? [], VpcEndpointIds ?? []].flat().map((id) => arn(caller, 'vpc-endpoint', id));
/** A connection notification has no resource type of its own: IAM evaluates its service or endpoint. */
const notificationResources: Resources = (
  { ConnectionNotificationId, ConnectionNotificationIds },
  caller,
  { state: { notifications } },
) =>
  [ConnectionNotificationId ?? [], ConnectionNotificationIds ?? []].flat().map((id) => {
    const { serviceId = '*', endpointId } = notifications[id] ?? {};
    return endpointId === undefined
      ? arn(caller, 'vpc-endpoint-service', serviceId)
      : arn(caller, 'vpc-endpoint', endpointId);
  });
const taggedResources: Resources = ({ Resources: ids = [] }, caller, privateLink) =>
  ids.map((id) => arn(caller, findTaggedResource(privateLink, caller, id) ?? '*', id));

/**
 * The resources of each operation, from the Service Authorization Reference, "Actions, resources, and condition keys for
 * Amazon EC2". Describe calls have no resources, except DescribeVpcEndpointServicePermissions.
 */
const resources: Readonly<Record<string, Resources>> = {
  AcceptVpcEndpointConnections: services,
  RejectVpcEndpointConnections: services,
  CreateVpcEndpointServiceConfiguration: (_, caller) => [arn(caller, 'vpc-endpoint-service', '*')],
  ModifyVpcEndpointServiceConfiguration: services,
  DeleteVpcEndpointServiceConfigurations: services,
  DescribeVpcEndpointServicePermissions: services,
  ModifyVpcEndpointServicePermissions: services,
  CreateVpcEndpointConnectionNotification: (...call) => [...services(...call), ...endpoints(...call)],
  ModifyVpcEndpointConnectionNotification: notificationResources,
  DeleteVpcEndpointConnectionNotifications: notificationResources,
  CreateVpcEndpoint: (_, caller) => [arn(caller, 'vpc-endpoint', '*')],
  ModifyVpcEndpoint: endpoints,
  DeleteVpcEndpoints: endpoints,
  CreateTags: taggedResources,
  DeleteTags: taggedResources,
};

/** Lists the accesses of an EC2 call. */
export function listEc2Accesses(
  privateLink: PrivateLink,
  operation: string,
  input: AccessedResources,
  caller: Caller,
): Access[] {
  const action = `ec2:${operation}`;
  const region = { 'ec2:Region': caller.region };
  const names = resources[operation]?.(input, caller, privateLink) ?? ['*'];
  const requested = [
    ...(input.Tags ?? []),
    ...(input.TagSpecifications?.flatMap(({ Tags }) => Tags ?? []) ?? []),
  ];
  const conditions = { ...region, ...requestTags(requested) };

  const accesses = names.map((resource) => ({
    action,
    resource,
    conditions: { ...conditions, ...resourceTags(privateLink, resource) },
  }));
  if (!input.TagSpecifications?.length) return accesses;
  // Tags on create need `ec2:CreateTags` too.
  const onCreate = { action: 'ec2:CreateTags', conditions: { ...conditions, 'ec2:CreateAction': operation } };
  return [...accesses, ...names.map((resource) => ({ ...onCreate, resource }))];
}

function arn({ region, accountId }: Caller, type: string, id: string): string {
  return `arn:aws:ec2:${region}:${accountId}:${type}/${id}`;
}

function resourceTags({ state }: PrivateLink, resource: string): Record<string, string> {
  const tags = Object.entries(state.tags[resource.slice(resource.lastIndexOf('/') + 1)] ?? {});
  return Object.fromEntries(
    tags.flatMap(([key, value]) => [
      [`aws:ResourceTag/${key}`, value],
      [`ec2:ResourceTag/${key}`, value],
    ]),
  );
}

function requestTags(tags: readonly Tag[]): Record<string, string | string[]> {
  if (tags.length === 0) return {};
  return {
    'aws:TagKeys': tags.map(({ Key = '' }) => Key),
    ...Object.fromEntries(tags.map(({ Key, Value = '' }) => [`aws:RequestTag/${Key}`, Value])),
  };
}
