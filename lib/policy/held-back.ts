import * as v from 'valibot';
import { EndpointId } from '../privatelink/connection.ts';
import type { Verdict } from '../verdicts/verdict.ts';

/** A request that waits because its account has as many endpoints as its entry allows. */
export const HeldBackRequest = v.object({
  endpointId: EndpointId,
  /** ISO 8601: who asked first is let in first. */
  requestedAt: v.string(),
});
export type HeldBackRequest = v.InferOutput<typeof HeldBackRequest>;

/** Whether a verdict leaves a request waiting since its account has as many endpoints as its entry allows. */
export function isHeldBack(verdict: Pick<Verdict, 'outcome' | 'findings'> | undefined): boolean {
  return (
    (verdict?.outcome === 'ask' || verdict?.outcome === 'hold') &&
    verdict.findings.some(({ rule }) => rule === 'max-endpoints-reached')
  );
}

/** Those who wait, with or without one of them, the first to ask first. */
export function updateWaitingLine(
  line: readonly HeldBackRequest[],
  { endpointId, requestedAt }: HeldBackRequest,
  waits: boolean,
): HeldBackRequest[] {
  const others = line.filter((each) => each.endpointId !== endpointId);
  return [...others, ...(waits ? [{ endpointId, requestedAt }] : [])].sort(byArrival);
}

/** The endpoints that come before a request: those that count, and those that wait since before it. */
export function endpointsBefore(
  request: HeldBackRequest,
  endpointIds: readonly string[],
  heldBack: readonly HeldBackRequest[],
): string[] {
  const earlier = heldBack.filter((each) => byArrival(each, request) < 0).map(({ endpointId }) => endpointId);
  return [...new Set([...endpointIds, ...earlier])];
}

function byArrival(a: HeldBackRequest, b: HeldBackRequest): number {
  return a.requestedAt.localeCompare(b.requestedAt) || a.endpointId.localeCompare(b.endpointId);
}
