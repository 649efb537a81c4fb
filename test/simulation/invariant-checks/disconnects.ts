import type { ConnectedDecisionInput } from '../../../lib/approvals/decide-connected-by-person.ts';
import {
  type ConnectionRecord,
  readRecord,
  recordPartitions,
} from '../../../lib/connections/connection-record.ts';
import { isAboutExternalAccept, type Revocation } from '../../../lib/connections/revocation.ts';
import type { PrivateLinkState } from '../../../sandbox/privatelink/model.ts';
import type { ItemChange } from '../../doubles/memory-table.ts';
import type { AssertInvariant } from '../invariants.ts';
import { isNewerMajor } from '../mixed-versions.ts';
import { isAllowedByEntry, type OraclePolicy } from '../policy-oracle.ts';
import { shortestGrace } from '../provider.ts';

const day = 24 * 3_600_000;
/** The disconnect quota of policy in 24 hours, as an independent copy. */
const expectedQuota = { overall: 20, atService: 5, oneIn: 10 };

/** Checks disconnects against the announcements in the current table. */
export function watchDisconnects(mustHold: AssertInvariant, now: () => number) {
  /** The time of each announcement by endpoint and `since`. */
  const announced = new Map<string, number>();
  const disconnects: { readonly endpointId: string; readonly serviceId: string; readonly at: number }[] = [];
  /** The disconnects that policy requested, with the number of connections of the service at that time. */
  const disconnectsInProgress = new Map<string, { readonly serviceId: string; readonly living: number }>();
  const connectedDecisions = new Map<string, ConnectedDecisionInput[]>();
  let replacedAt = 0;
  /** The accepts that the current table has recorded, and external accepts. */
  const acceptRequested = new Set<string>();
  const externallyAccepted = new Set<string>();

  function mustBeAnnounced(
    { endpointId }: ConnectionRecord,
    { since, disconnectAt }: Revocation,
    at: number,
  ): void {
    const from = announced.get(`${endpointId} ${since}`);
    mustHold(
      'policy disconnects nothing before its grace period has passed in the current table',
      from !== undefined && at >= from + shortestGrace * 1_000 && Date.parse(disconnectAt) <= at,
      `${endpointId}, which is to be cut at ${disconnectAt}, ${from === undefined ? 'was never announced' : `was announced ${at - from} ms ago`}`,
    );
  }

  /** EC2 has rejected a connected connection. */
  function mustBeWithinQuota(endpointId: string, serviceId: string, living: number): void {
    const recent = disconnects.filter(({ at }) => at > now() - day);
    const there = recent.filter((cut) => cut.serviceId === serviceId);
    const atService = Math.max(expectedQuota.atService, Math.floor(living / expectedQuota.oneIn));
    mustHold(
      'policy disconnects no more in 24 hours than its quota',
      recent.length < expectedQuota.overall && there.length < atService,
      `${endpointId}, after ${there.length} of ${serviceId} and ${recent.length} over all`,
    );
    disconnects.push({ endpointId, serviceId, at: now() });
  }

  /** Whether an account has more connected endpoints than its entry counts. */
  function isBeyondCount(
    { serviceId, ownerAccountId }: ConnectionRecord,
    { entries }: OraclePolicy,
    state: PrivateLinkState,
  ) {
    const theirs = Object.values(state.endpoints).filter(
      (endpoint) =>
        endpoint.serviceId === serviceId &&
        endpoint.accountId === ownerAccountId &&
        isConnectedState(endpoint.next?.state ?? endpoint.state),
    );
    return theirs.length > (entries[0]?.maxEndpoints ?? Number.POSITIVE_INFINITY);
  }

  return {
    recordConnectedDecision(endpointId: string, word: ConnectedDecisionInput): void {
      connectedDecisions.set(endpointId, [...(connectedDecisions.get(endpointId) ?? []), word]);
    },

    recordExternalAccept(endpointId: string): void {
      externallyAccepted.add(endpointId);
    },

    /** linkgate requests the reject of a revoked connection: checks its reason if it is connected. */
    mustBeRevoked(
      record: ConnectionRecord,
      revocation: Revocation,
      said: OraclePolicy,
      at: number,
      state: PrivateLinkState,
    ): void {
      const { endpointId, approval, revokeOrder } = record;
      const endpointRegion = state.endpoints[endpointId]?.region ?? '';
      if (!isConnectedState(state.endpoints[endpointId]?.state)) return;
      mustHold(
        'nothing is disconnected at a paused service',
        said.service?.pausedAt === undefined,
        endpointId,
      );
      const isBlocked = said.entries.some(({ effect }) => effect === 'block');
      const isSaid =
        approval?.decision === 'deny' ||
        connectedDecisions
          .get(endpointId)
          ?.some(({ action, by }) => action === 'revoke' && by === revokeOrder?.by) === true;
      const isEndorsed =
        approval?.decision === 'approve' || isAllowedByEntry({ endpointId, endpointRegion }, said, at);
      mustHold(
        'no allowed connection is disconnected',
        isBlocked || isSaid || !isEndorsed || isBeyondCount(record, said, state),
        `${endpointId}, by ${revocation.cause}`,
      );
      if (revocation.cause !== 'policy') return;
      mustBeAnnounced(record, revocation, at);
      const living = Object.values(state.endpoints).filter(
        (endpoint) => endpoint.serviceId === record.serviceId && isConnectedState(endpoint.state),
      );
      disconnectsInProgress.set(endpointId, { serviceId: record.serviceId, living: living.length });
    },

    recordState(endpointId: string, state: string): void {
      const cut = disconnectsInProgress.get(endpointId);
      disconnectsInProgress.delete(endpointId);
      if (cut && state === 'rejected') mustBeWithinQuota(endpointId, cut.serviceId, cut.living);
    },

    recordWrites(changes: readonly ItemChange[]): void {
      for (const { after } of changes) {
        if (!after || !recordPartitions.includes(after.pk) || isNewerMajor(after)) continue;
        const { endpointId, revocation, acceptRequestedAt, verdict } = readRecord(after);
        if (acceptRequestedAt !== undefined) acceptRequested.add(endpointId);
        mustHold(
          'linkgate does not report its own accept as an external one',
          !verdict ||
            !isAboutExternalAccept(verdict) ||
            !acceptRequested.has(endpointId) ||
            externallyAccepted.has(endpointId),
          endpointId,
        );
        if (!revocation || Date.parse(revocation.since) < replacedAt) continue;
        const name = `${endpointId} ${revocation.since}`;
        if (!announced.has(name)) announced.set(name, now());
      }
    },

    /**
     * The table was replaced: it has no announcements.
     * @param isFirst whether the table is empty, so that it cannot know earlier disconnects.
     */
    recordTableReplaced(isFirst: boolean): void {
      if (isFirst) disconnects.length = 0;
      announced.clear();
      acceptRequested.clear();
      replacedAt = now();
    },
  };
}

function isConnectedState(state: string | undefined): boolean {
  return state === 'pending' || state === 'available';
}
