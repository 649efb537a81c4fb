import {
  type ConnectionEvent,
  type Endpoint,
  type EndpointState,
  type PrivateLinkContext,
  scheduleTransition,
} from './model.ts';

/** Carries out the transitions that are due by `now`, in order of their time. */
export function advanceTransitions(context: PrivateLinkContext, now: number): void {
  const { state } = context;
  for (let due = state.schedule[0]; due !== undefined && due.at <= now; due = state.schedule[0]) {
    state.schedule.shift();
    const endpoint = state.endpoints[due.id];
    if (endpoint?.next?.at === due.at) executeTransition(context, endpoint, endpoint.next);
    if (state.services[due.id]?.endedAt === due.at) deleteResource(context, 'services', due.id);
  }
}

/** Schedules the next state of an endpoint, and replaces an earlier one. */
export function planTransition(
  context: PrivateLinkContext,
  endpoint: Endpoint,
  state: EndpointState | 'gone',
  at: number,
): void {
  endpoint.next = { state, at };
  scheduleTransition(context, endpoint.id, at);
}

/** Publishes the first state of a new endpoint. */
export function startTransition(context: PrivateLinkContext, endpoint: Endpoint): void {
  publishState(context, endpoint, undefined, endpoint.createdAt);
}

/** Changes the state of an endpoint now, and cancels its scheduled one. */
export function transitionTo(
  context: PrivateLinkContext,
  endpoint: Endpoint,
  state: EndpointState,
  time: number,
): void {
  const from = endpoint.state;
  endpoint.state = state;
  endpoint.next = undefined;
  publishState(context, endpoint, from, time);
}

/** Returns the scheduled state of an endpoint, or its current one. */
export function finalState({ state, next }: Endpoint): EndpointState | 'gone' {
  return next?.state ?? state;
}

/** Sends the connection notifications of a state, and schedules the state that follows it. */
function publishState(
  context: PrivateLinkContext,
  endpoint: Endpoint,
  from: EndpointState | undefined,
  time: number,
): void {
  const { id: endpointId, serviceId, state } = endpoint;
  context.effects.push({ type: 'state-change', serviceId, endpointId, from, to: state, time });
  const event = notificationEvent(from, state);
  if (event !== undefined && context.assumptions.notifications)
    sendNotifications(context, endpoint, event, time);

  const { availableAfterMs, deletedAfterMs, deletedListedMs } = context.assumptions;
  if (state === 'pending') planTransition(context, endpoint, 'available', time + availableAfterMs);
  if (state === 'deleting') planTransition(context, endpoint, 'deleted', time + deletedAfterMs);
  if (state === 'deleted') planTransition(context, endpoint, 'gone', time + deletedListedMs);
}

function executeTransition(
  context: PrivateLinkContext,
  endpoint: Endpoint,
  { state, at }: NonNullable<Endpoint['next']>,
): void {
  if (state !== 'gone') {
    transitionTo(context, endpoint, state, at);
    return;
  }
  deleteResource(context, 'endpoints', endpoint.id);
  delete context.state.tags[endpoint.connectionId];
}

function deleteResource({ state }: PrivateLinkContext, kind: 'services' | 'endpoints', id: string): void {
  delete state[kind][id];
  delete state.tags[id];
}

/** AWS sends four events only: none when a connection becomes available or when its consumer modifies it. */
function notificationEvent(from: EndpointState | undefined, to: EndpointState): ConnectionEvent | undefined {
  if (from === undefined) return 'Connect';
  if (from === 'pendingAcceptance' && to === 'pending') return 'Accept';
  if (to === 'rejected') return 'Reject';
  return to === 'deleted' ? 'Delete' : undefined;
}

function sendNotifications(
  { state, effects }: PrivateLinkContext,
  endpoint: Endpoint,
  event: ConnectionEvent,
  time: number,
): void {
  for (const { id, accountId, region, topicArn, ...notification } of Object.values(state.notifications)) {
    if (notification.serviceId !== endpoint.serviceId && notification.endpointId !== endpoint.id) continue;
    if (notification.state !== 'Enabled' || !notification.events.includes(event)) continue;
    effects.push({
      type: 'notification',
      accountId,
      region,
      topicArn,
      notificationId: id,
      serviceId: endpoint.serviceId,
      endpointId: endpoint.id,
      event,
      endpointOwner: endpoint.accountId,
      state: endpoint.state,
      time,
    });
  }
}
