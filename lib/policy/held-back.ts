import * as v from 'valibot';
import { EndpointId } from '../privatelink/connection.ts';
import type { Verdict } from '../verdicts/verdict.ts';

/** A request that waits because its account has reached the endpoint limit of its entry. */
export const HeldBackRequest = v.object({
  endpointId: EndpointId,
  /** ISO 8601. linkgate accepts the earliest request first. */
  requestedAt: v.string(),
});
export type HeldBackRequest = v.InferOutput<typeof HeldBackRequest>;

/** Whether the endpoint limit holds a request back. */
export function isHeldBack(verdict: Pick<Verdict, 'outcome' | 'findings'> | undefined): boolean {
  return (
    (verdict?.outcome === 'ask' || verdict?.outcome === 'hold') &&
    verdict.findings.some(({ rule }) => rule === 'max-endpoints-reached')
  );
}

/** Adds a request to the waiting requests, or removes it. The earliest request comes first. */
export function updateWaitingLine(
  line: readonly HeldBackRequest[],
  { endpointId, requestedAt }: HeldBackRequest,
  waits: boolean,
): HeldBackRequest[] {
  const otherRequests = line.filter((each) => each.endpointId !== endpointId);
  return [...otherRequests, ...(waits ? [{ endpointId, requestedAt }] : [])].sort(compareArrival);
}

/** Lists the endpoints before a request: those in the quota, and the earlier waiting requests. */
export function endpointsBefore(
  request: HeldBackRequest,
  endpointIds: readonly string[],
  heldBack: readonly HeldBackRequest[],
): string[] {
  const earlier = heldBack
    .filter((each) => compareArrival(each, request) < 0)
    .map(({ endpointId }) => endpointId);
  return [...new Set([...endpointIds, ...earlier])];
}

function compareArrival(a: HeldBackRequest, b: HeldBackRequest): number {
  return a.requestedAt.localeCompare(b.requestedAt) || a.endpointId.localeCompare(b.endpointId);
}
