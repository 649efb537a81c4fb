import type { Connection } from './api-views.ts';
import { serviceLabel } from './output.ts';

/** Formats a line for each service, with its endpoints. */
export function formatEndpoints(
  connections: readonly Pick<Connection, 'endpointId' | 'service' | 'serviceId'>[],
): string {
  return [...Map.groupBy(connections, ({ serviceId }) => serviceId).values()]
    .map((serviceConnections) => {
      const ids = serviceConnections.map(({ endpointId }) => endpointId).join(', ');
      return `  ${serviceConnections[0] ? serviceLabel(serviceConnections[0]) : ''}: ${ids}`;
    })
    .join('\n');
}

/** `1 connection`, `20 connections` */
export function pluralize(count: number, noun = 'connection'): string {
  return `${count.toLocaleString('en')} ${noun}${count === 1 ? '' : 's'}`;
}
