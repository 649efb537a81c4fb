import * as v from 'valibot';
import { Warnings } from './api-views.ts';
import { formatEndpoints } from './connection-text.ts';

/** Connections that a change concerns. */
export const Endpoints = v.nullish(
  v.array(v.looseObject({ endpointId: v.string(), serviceId: v.string(), service: v.string() })),
);

/** The impact of a change, also as its dry run predicts it. */
export const Impact = v.looseObject({ disconnects: Endpoints, rejects: Endpoints, warnings: Warnings });
export type Impact = v.InferOutput<typeof Impact>;

/** Formats the impact before somebody agrees. */
export function formatImpact({ disconnects, rejects, warnings }: Impact): string {
  const sections = [
    ...(disconnects?.length ? [`This disconnects now:\n${formatEndpoints(disconnects)}`] : []),
    ...(rejects?.length ? [`It rejects:\n${formatEndpoints(rejects)}`] : []),
    ...(warnings ?? []).map((warning) => `  ${warning}`),
  ];
  return sections.join('\n') || 'There are no connections to disconnect.';
}
