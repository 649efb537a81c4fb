import * as v from 'valibot';
import { Warnings } from './api-views.ts';
import { formatEndpoints } from './connection-text.ts';

/** Connections that a change concerns. */
export const Endpoints = v.nullish(
  v.array(v.looseObject({ endpointId: v.string(), serviceId: v.string(), service: v.string() })),
);

/** The predicted impact of a change. */
export const Impact = v.looseObject({ disconnects: Endpoints, rejects: Endpoints, warnings: Warnings });
export type Impact = v.InferOutput<typeof Impact>;

/** The query of a request that changes nothing, and whose response predicts the impact of the change. */
export const dryRun = { dryRun: 'true' };

/** Formats the impact before somebody agrees. */
export function formatImpact({ disconnects, rejects, warnings }: Impact): string {
  const sections = [
    ...(disconnects?.length ? [`This disconnects now:\n${formatEndpoints(disconnects)}`] : []),
    ...(rejects?.length ? [`It rejects:\n${formatEndpoints(rejects)}`] : []),
    ...(warnings ?? []).map((warning) => `  ${warning}`),
  ];
  return sections.join('\n') || 'There are no connections to disconnect.';
}
