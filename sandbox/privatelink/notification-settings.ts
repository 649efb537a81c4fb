import { AwsError } from '../aws/aws-service.ts';
import { ownService, serviceType } from './endpoint-services.ts';
import {
  type ConnectionEvent,
  type ConnectionNotification,
  isOwnedBy,
  type PrivateLinkContext,
  type Refusal,
  type ResourceLocation,
  toAwsError,
} from './model.ts';

export interface NotificationSpec {
  /** The service or the endpoint of the caller. */
  readonly serviceId?: string | undefined;
  readonly endpointId?: string | undefined;
  readonly topicArn: string;
  readonly events: readonly ConnectionEvent[];
}

/** Creates, changes and deletes connection notifications. */
export function connectionNotifications(context: PrivateLinkContext) {
  const { state } = context;

  function ownNotification(location: ResourceLocation, id: string): ConnectionNotification | undefined {
    const notification = state.notifications[id];
    return notification !== undefined && isOwnedBy(location, notification) ? notification : undefined;
  }

  return {
    notifications: (location: ResourceLocation) =>
      Object.values(state.notifications).filter((notification) => isOwnedBy(location, notification)),

    createNotification(
      { accountId, region }: ResourceLocation,
      spec: NotificationSpec,
    ): ConnectionNotification {
      const service =
        spec.serviceId === undefined ? undefined : ownService(context, { accountId, region }, spec.serviceId);
      const type = service
        ? serviceType(service)
        : (state.endpoints[spec.endpointId ?? '']?.type ?? 'Interface');
      // AWS documents the refusal but not its code. The code is INVENTED after similar ones of EC2.
      if (type !== 'Interface')
        throw new AwsError(
          'InvalidParameter',
          'Connection notifications are only supported for Interface type VPC Endpoints.',
        );
      const notification: ConnectionNotification = {
        accountId,
        region,
        id: `vpce-nfn-${context.id()}`,
        serial: state.serial++,
        serviceId: spec.serviceId,
        endpointId: spec.endpointId,
        topicArn: spec.topicArn,
        events: [...spec.events],
        state: 'Enabled',
      };
      state.notifications[notification.id] = notification;
      return notification;
    },

    modifyNotification(
      location: ResourceLocation,
      id: string,
      { topicArn, events }: Partial<Pick<NotificationSpec, 'topicArn' | 'events'>>,
    ): void {
      const notification = ownNotification(location, id);
      if (notification === undefined) throw toAwsError(notFound(id));
      notification.topicArn = topicArn ?? notification.topicArn;
      notification.events = [...(events ?? notification.events)];
    },

    deleteNotifications: (location: ResourceLocation, ids: readonly string[]): Refusal[] =>
      ids.flatMap((id) => {
        if (ownNotification(location, id) === undefined) return notFound(id);
        delete state.notifications[id];
        return [];
      }),
  };
}

function notFound(id: string): Refusal {
  return {
    resourceId: id,
    code: 'InvalidConnectionNotification',
    message: `The connection notification '${id}' does not exist`,
  };
}
