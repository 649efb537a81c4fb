import { type Assumptions, defaultAssumptions, mergeAssumptions } from './assumptions.ts';
import { advanceTransitions } from './connection-lifecycle.ts';
import { endpointServices } from './endpoint-services.ts';
import { endpoints } from './endpoints.ts';
import { emptyState, type Output, type PrivateLinkContext, type PrivateLinkState } from './model.ts';
import { connectionNotifications } from './notification-settings.ts';

export type PrivateLink = ReturnType<typeof createPrivateLink>;

/**
 * AWS PrivateLink of every account and Region, as a state machine: no clock, no randomness, no timers. `now` comes with
 * each call, in milliseconds since the epoch; reads show the transitions that `advance` has carried out.
 */
export function createPrivateLink({
  id,
  assumptions = defaultAssumptions,
  state = emptyState(),
}: {
  /** Returns seventeen hexadecimal digits, unique. */
  readonly id: () => string;
  readonly assumptions?: Assumptions;
  /** `state`: the state of an earlier process. */
  readonly state?: PrivateLinkState;
}) {
  const context: PrivateLinkContext = { state, id, assumptions, effects: [] };

  return {
    state,
    ...endpointServices(context),
    ...endpoints(context),
    ...connectionNotifications(context),

    assumptions: () => context.assumptions,
    /** Changes some assumptions; throws `AssumptionError`. */
    assume(update: unknown): void {
      context.assumptions = mergeAssumptions(context.assumptions, update);
    },

    /** Returns the next due time. */
    nextDue: (): number | undefined => state.schedule[0]?.at,
    /** Carries out due transitions. Returns all effects since the last call. */
    advance(now: number): Output[] {
      advanceTransitions(context, now);
      return context.effects.splice(0);
    },
    /** False while a connection is in transition. The removal of a deleted one does not count. */
    isSettled: (): boolean =>
      state.schedule.every(({ id: due, at }) => {
        const next = state.endpoints[due]?.next;
        return next === undefined || next.state === 'gone' || next.at !== at;
      }),
  };
}
