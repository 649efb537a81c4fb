import type { ConnectedDecisionInput } from '../../../lib/approvals/decide-connected-by-person.ts';
import { isAboutExternalAccept, type Revocation } from '../../../lib/connections/connected-state.ts';
import {
  type ConnectionRecord,
  readRecord,
  recordPartitions,
} from '../../../lib/connections/connection-record.ts';
import { isConnected } from '../../../lib/privatelink/connection.ts';
import type { PrivateLinkState } from '../../../sandbox/privatelink/model.ts';
import type { ItemChange } from '../../doubles/memory-table.ts';
import type { AssertInvariant } from '../invariants.ts';
import { isNewerMajor } from '../mixed-versions.ts';
import {
  becomesConnected,
  isAllowedByEntry,
  listAccountEndpoints,
  type OraclePolicy,
} from '../policy-oracle.ts';
import { shortestGrace } from '../provider.ts';

const day = 24 * 3_600_000;
/** The disconnect quota of policy in 24 hours, as an independent copy. */
const expectedQuota = { overall: 20, atService: 5, oneIn: 10 };

/** Checks disconnects against the announcements in the current table. */
export function watchDisconnects(assertInvariant: AssertInvariant, now: () => number) {
  /** The time of each announcement by endpoint and `since`. */
  const announced = new Map<string, number>();
  const disconnects: { readonly endpointId: string; readonly serviceId: string; readonly at: number }[] = [];
  /** The disconnects that policy requested, with the number of connections of the service at that time. */
  const disconnectsInProgress = new Map<
    string,
    { readonly serviceId: string; readonly connectedCount: number }
  >();
  const connectedDecisions = new Map<string, ConnectedDecisionInput[]>();
  let replacedAt = 0;
  /** The accepts that the current table has recorded, and external accepts. */
  const acceptRequested = new Set<string>();
  const externallyAccepted = new Set<string>();

  function assertAnnounced(
    { endpointId }: ConnectionRecord,
    { since, disconnectAt }: Revocation,
    at: number,
  ): void {
    const from = announced.get(`${endpointId} ${since}`);
    assertInvariant(
      'policy disconnects nothing before its grace period has passed in the current table',
      from !== undefined && at >= from + shortestGrace * 1_000 && Date.parse(disconnectAt) <= at,
      `${endpointId}, which has a disconnect scheduled at ${disconnectAt}, ${from === undefined ? 'was never announced' : `was announced ${at - from} ms ago`}`,
    );
  }

  /** Checks the quota when EC2 rejects a connected connection. */
  function assertWithinQuota(endpointId: string, serviceId: string, connectedCount: number): void {
    const recent = disconnects.filter(({ at }) => at > now() - day);
    const serviceDisconnects = recent.filter((disconnect) => disconnect.serviceId === serviceId);
    const atService = Math.max(expectedQuota.atService, Math.floor(connectedCount / expectedQuota.oneIn));
    assertInvariant(
      'policy disconnects no more in 24 hours than its quota',
      recent.length < expectedQuota.overall && serviceDisconnects.length < atService,
      `${endpointId}, after ${serviceDisconnects.length} of ${serviceId} and ${recent.length} over all`,
    );
    disconnects.push({ endpointId, serviceId, at: now() });
  }

  /** Whether an account has more connected endpoints than its entry allows. */
  function isBeyondCount(record: ConnectionRecord, { entries }: OraclePolicy, state: PrivateLinkState) {
    const connected = listAccountEndpoints(state, record).filter(becomesConnected);
    return connected.length > (entries[0]?.maxEndpoints ?? Number.POSITIVE_INFINITY);
  }

  return {
    recordConnectedDecision(endpointId: string, input: ConnectedDecisionInput): void {
      connectedDecisions.set(endpointId, [...(connectedDecisions.get(endpointId) ?? []), input]);
    },

    recordExternalAccept(endpointId: string): void {
      externallyAccepted.add(endpointId);
    },

    /** Checks the reason for the reject of a revoked connection, if it is connected. */
    assertRevocation(
      record: ConnectionRecord,
      revocation: Revocation,
      policy: OraclePolicy,
      at: number,
      state: PrivateLinkState,
    ): void {
      const { endpointId, personDecision, revokeOrder } = record;
      const endpoint = state.endpoints[endpointId];
      if (!endpoint || !isConnected(endpoint.state)) return;
      assertInvariant(
        'nothing is disconnected at a paused service',
        policy.service?.pausedAt === undefined,
        endpointId,
      );
      const isBlocked = policy.entries.some(({ effect }) => effect === 'block');
      const isRevokedByPerson =
        personDecision?.decision === 'deny' ||
        connectedDecisions
          .get(endpointId)
          ?.some(({ action, by }) => action === 'revoke' && by === revokeOrder?.by) === true;
      const isAllowed =
        personDecision?.decision === 'approve' ||
        isAllowedByEntry({ endpointId, endpointRegion: endpoint.region }, policy, at);
      assertInvariant(
        'no allowed connection is disconnected',
        isBlocked || isRevokedByPerson || !isAllowed || isBeyondCount(record, policy, state),
        `${endpointId}, by ${revocation.cause}`,
      );
      if (revocation.cause !== 'policy') return;
      assertAnnounced(record, revocation, at);
      const { serviceId } = record;
      const connected = Object.values(state.endpoints).filter(
        (other) => other.serviceId === serviceId && isConnected(other.state),
      );
      disconnectsInProgress.set(endpointId, { serviceId, connectedCount: connected.length });
    },

    recordState(endpointId: string, state: string): void {
      const disconnect = disconnectsInProgress.get(endpointId);
      disconnectsInProgress.delete(endpointId);
      if (disconnect && state === 'rejected')
        assertWithinQuota(endpointId, disconnect.serviceId, disconnect.connectedCount);
    },

    recordWrites(changes: readonly ItemChange[]): void {
      for (const { after } of changes) {
        if (!after || !recordPartitions.includes(after.pk) || isNewerMajor(after)) continue;
        const { endpointId, revocation, acceptRequestedAt, verdict } = readRecord(after);
        if (acceptRequestedAt !== undefined) acceptRequested.add(endpointId);
        assertInvariant(
          'linkgate does not report its own accept as an external one',
          !verdict ||
            !isAboutExternalAccept(verdict) ||
            !acceptRequested.has(endpointId) ||
            externallyAccepted.has(endpointId),
          endpointId,
        );
        if (!revocation || Date.parse(revocation.since) < replacedAt) continue;
        const announcementKey = `${endpointId} ${revocation.since}`;
        if (!announced.has(announcementKey)) announced.set(announcementKey, now());
      }
    },

    /**
     * Clears the announcements: a new table has none.
     * @param isFirst whether the table is empty, so that it has no earlier disconnects.
     */
    recordTableReplaced(isFirst: boolean): void {
      if (isFirst) disconnects.length = 0;
      announced.clear();
      acceptRequested.clear();
      replacedAt = now();
    },
  };
}
