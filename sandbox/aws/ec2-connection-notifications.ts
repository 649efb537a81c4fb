import type * as Client from '@aws-sdk/client-ec2';
import type { ConnectionEvent, ConnectionNotification } from '../privatelink/model.ts';
import type { PrivateLink } from '../privatelink/privatelink.ts';
import { AwsError, type OperationContext } from './aws-service.ts';
import { type FilterTable, selectPage } from './ec2-describe.ts';
import { missingParameter, requireIds, requireOneOf, requireTopic } from './ec2-parameters.ts';
import { unsuccessful } from './ec2-unsuccessful.ts';

const notificationFilters: FilterTable<ConnectionNotification> = {
  'service-id': ({ serviceId }) => serviceId,
};

const connectionEvents: readonly ConnectionEvent[] = ['Accept', 'Connect', 'Delete', 'Reject'];

/** The operations on connection notifications, for providers and consumers. */
export function connectionNotificationOperations(privateLink: PrivateLink) {
  return {
    CreateVpcEndpointConnectionNotification(
      input: Client.CreateVpcEndpointConnectionNotificationRequest,
      context: OperationContext,
    ): Client.CreateVpcEndpointConnectionNotificationResult {
      const { ServiceId: serviceId, VpcEndpointId: endpointId } = input;
      if (serviceId === undefined && endpointId === undefined) throw missingParameter('ServiceId');
      if (serviceId !== undefined && endpointId !== undefined)
        throw new AwsError('InvalidParameterCombination', 'Give either ServiceId or VpcEndpointId, not both');
      if (serviceId !== undefined) requireIds('service', [serviceId]);
      if (endpointId !== undefined) {
        requireIds('endpoint', [endpointId]);
        privateLink.endpoint(context.caller, endpointId);
      }
      requireTopic(context.caller, input.ConnectionNotificationArn);
      const created = privateLink.createNotification(context.caller, {
        serviceId,
        endpointId,
        topicArn: input.ConnectionNotificationArn ?? '',
        events: parseEvents(input.ConnectionEvents) ?? [],
      });
      return { ConnectionNotification: toNotificationOutput(created) };
    },

    ModifyVpcEndpointConnectionNotification(
      input: Client.ModifyVpcEndpointConnectionNotificationRequest,
      { caller }: OperationContext,
    ) {
      const { ConnectionNotificationId: id = '', ConnectionNotificationArn: topicArn } = input;
      requireIds('notification', [id]);
      requireTopic(caller, topicArn);
      const events = parseEvents(input.ConnectionEvents);
      privateLink.modifyNotification(caller, id, {
        ...(topicArn && { topicArn }),
        ...(events && { events }),
      });
      return { ReturnValue: true };
    },

    DescribeVpcEndpointConnectionNotifications(
      input: Client.DescribeVpcEndpointConnectionNotificationsRequest,
      context: OperationContext,
    ): Client.DescribeVpcEndpointConnectionNotificationsResult {
      const { ConnectionNotificationId: id } = input;
      const own = privateLink.notifications(context.caller);
      const selected = id === undefined ? own : own.filter((candidate) => candidate.id === id);
      if (id !== undefined && selected.length === 0)
        throw new AwsError(
          'InvalidConnectionNotification',
          `The connection notification '${id}' does not exist`,
        );
      const { rows, NextToken } = selectPage(
        'DescribeVpcEndpointConnectionNotifications',
        selected,
        input,
        context,
        notificationFilters,
      );
      return { ConnectionNotificationSet: rows.map(toNotificationOutput), NextToken };
    },

    DeleteVpcEndpointConnectionNotifications(
      { ConnectionNotificationIds: ids = [] }: Client.DeleteVpcEndpointConnectionNotificationsRequest,
      { caller }: OperationContext,
    ) {
      requireIds('notification', ids);
      return unsuccessful(privateLink.deleteNotifications(caller, ids));
    },
  };
}

function parseEvents(events: readonly string[] | undefined): readonly ConnectionEvent[] | undefined {
  requireOneOf('ConnectionEvents', events, connectionEvents);
  return events && connectionEvents.filter((event) => events.includes(event));
}

function toNotificationOutput(created: ConnectionNotification): Client.ConnectionNotification {
  return {
    ConnectionNotificationId: created.id,
    ServiceId: created.serviceId,
    VpcEndpointId: created.endpointId,
    ConnectionNotificationType: 'Topic',
    ConnectionNotificationArn: created.topicArn,
    ConnectionEvents: created.events,
    ConnectionNotificationState: created.state,
    ServiceRegion: created.region,
  };
}
