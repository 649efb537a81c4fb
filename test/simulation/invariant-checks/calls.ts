import { type ConnectionRecord, readRecord, recordKey } from '../../../lib/connections/connection-record.ts';
import type { Mode } from '../../../lib/mode/mode.ts';
import { formatKey } from '../../../lib/storage/entity.ts';
import type { Item, Key } from '../../../lib/storage/table.ts';
import type { PrivateLinkState } from '../../../sandbox/privatelink/model.ts';
import type { ChangingCall } from '../aws.ts';
import type { AssertInvariant } from '../invariants.ts';
import type { Run } from '../invocations.ts';
import { isNewerMajor } from '../mixed-versions.ts';
import {
  becomesConnected,
  expectedAction,
  isRejectedOnExpiry,
  listAccountEndpoints,
  type OraclePolicy,
  readOraclePolicy,
} from '../policy-oracle.ts';
import type { watchDisconnects } from './disconnects.ts';

/** Creates the reads of a run since its last accept or reject call. */
const createRunReads = () => ({
  items: new Map<string, Item | undefined>(),
  /** The time of its last table read. */
  at: 0,
  mode: undefined as Mode | undefined,
  /** The sources that the run read after the mode. One may be a late read that the run gave up; both make the mode stale. */
  sourcesSinceMode: new Set<'table' | 'ec2'>(),
  /** The endpoints that EC2 returned: whether each is connected. */
  isConnectedByEndpoint: new Map<string, boolean>(),
});

/** Checks calls to EC2 against the reads of the run. */
export function watchCalls(
  assertInvariant: AssertInvariant,
  note: (subject: string, event: string) => void,
  disconnects: Pick<ReturnType<typeof watchDisconnects>, 'assertRevocation'>,
  now: () => number,
) {
  let applyingRun: Run | undefined;
  const readsByRun = new Map<string, ReturnType<typeof createRunReads>>();
  const acceptRequested = new Set<string>();
  const acceptedByPolicy = new Set<string>();

  function getRunReads({ requestId }: Run) {
    const reads = readsByRun.get(requestId) ?? createRunReads();
    readsByRun.set(requestId, reads);
    return reads;
  }

  const lastRead = (run: Run, key: Key) => getRunReads(run).items.get(formatKey(key));

  function assertPermitted(call: ChangingCall, endpointId: string, state: PrivateLinkState): void {
    const { run, action } = call;
    const { at } = getRunReads(run);
    const lastReads = { find: (key: Key) => lastRead(run, key) };
    const item = lastReads.find(recordKey(endpointId));
    assertInvariant(
      'items of a newer major version are not changed',
      !isNewerMajor(item),
      `${action} of ${endpointId}`,
    );
    const record = item && !isNewerMajor(item) ? readRecord(item) : undefined;
    const policy = record && readOraclePolicy(record, lastReads);
    assertInvariant(
      'linkgate calls EC2 only for a pending effect at a registered service',
      record?.pendingEffect?.action === action &&
        record.verdict?.outcome === action &&
        policy?.service !== undefined,
      `${action} of ${endpointId}`,
    );
    if (!record || !policy) return;
    if (action === 'reject') assertMayReject(run, record);
    if (record.revocation) {
      disconnects.assertRevocation(record, record.revocation, policy, at, state);
      return;
    }
    const expected = expectedAction(record, policy, record.personDecision, at);
    const isBeyondCount = policy.entries[0]?.maxEndpoints !== undefined;
    assertInvariant(
      'linkgate calls EC2 only for the current verdict of policy or of a person, as read right before',
      expected === action || (action === 'reject' && isBeyondCount && isRejectedOnExpiry(record, policy, at)),
      `${action} of ${endpointId}, not ${expected}`,
    );
    if (action === 'accept') assertEndpointCount(call, policy, record, state);
  }

  function assertEndpointCount(
    { endpointIds }: ChangingCall,
    { entries }: OraclePolicy,
    record: ConnectionRecord,
    state: PrivateLinkState,
  ): void {
    const { endpointId } = record;
    if (record.personDecision) {
      acceptedByPolicy.delete(endpointId);
      return;
    }
    acceptedByPolicy.add(endpointId);
    const max = entries[0]?.maxEndpoints ?? Number.POSITIVE_INFINITY;
    const otherEndpoints = listAccountEndpoints(state, record).filter(
      (other) =>
        other.id !== endpointId &&
        acceptedByPolicy.has(other.id) &&
        (endpointIds.includes(other.id) || becomesConnected(other)),
    );
    assertInvariant(
      'policy accepts no more endpoints of an account than its entry allows',
      otherEndpoints.length < max,
      `${endpointId} is one of ${max}, beside ${otherEndpoints.map(({ id }) => id).join(', ')}`,
    );
  }

  /** Counts accepts of policy in either mode. */
  function assertMayReject(run: Run, { endpointId, revocation }: ConnectionRecord): void {
    assertInvariant(
      'linkgate disconnects only connections that it accepted, or whose disconnect it scheduled',
      !getRunReads(run).isConnectedByEndpoint.get(endpointId) ||
        acceptRequested.has(endpointId) ||
        revocation !== undefined,
      `${endpointId} is not rejected`,
    );
  }

  return {
    lastRead,

    /** Clears the accepts: a new table has its own counts, and may allow what the earlier one did not. */
    recordTableReplaced(): void {
      acceptRequested.clear();
      acceptedByPolicy.clear();
    },

    observeRead(run: Run, keys: readonly Key[], readItems: readonly Item[]): void {
      const reads = getRunReads(run);
      const items = new Map(readItems.map((item) => [formatKey(item), item]));
      for (const key of keys) reads.items.set(formatKey(key), items.get(formatKey(key)));
      reads.at = now();
      reads.sourcesSinceMode.add('table');
    },

    /** Records connections that EC2 returned: earlier reads are no longer "right before". */
    observeDescribe(run: Run, isConnectedByEndpoint: ReadonlyMap<string, boolean>): void {
      const reads = getRunReads(run);
      reads.sourcesSinceMode.add('ec2');
      for (const [endpointId, isConnected] of isConnectedByEndpoint)
        reads.isConnectedByEndpoint.set(endpointId, isConnected);
    },

    observeChangeRequested({ action, endpointIds }: ChangingCall): void {
      if (action === 'accept') for (const endpointId of endpointIds) acceptRequested.add(endpointId);
    },

    observeModeRead(run: Run, mode: Mode): void {
      const reads = getRunReads(run);
      reads.mode = mode;
      reads.sourcesSinceMode.clear();
    },

    /** Checks a change of connections: the run reads the mode right before it, for this call only. */
    observeChange(call: ChangingCall, state: PrivateLinkState): void {
      const { run, action, endpointIds } = call;
      note(run.requestId, `calls ${action} of ${endpointIds.join(', ')}`);
      const { mode, sourcesSinceMode } = getRunReads(run);
      const isFresh = sourcesSinceMode.size < 2;
      assertInvariant(
        'linkgate changes EC2 only in mode enforce, as read right before',
        mode === 'enforce' && isFresh,
        `${action} by ${run.requestId}, which has read ${mode ?? 'none'}${isFresh ? '' : ' a while ago'}`,
      );
      assertInvariant(
        'one run at a time changes EC2',
        applyingRun === undefined || applyingRun === run || applyingRun.isOver(),
        `${run.requestId} does not beside ${applyingRun?.requestId}`,
      );
      applyingRun = run;
      for (const endpointId of endpointIds) assertPermitted(call, endpointId, state);
      readsByRun.delete(run.requestId);
    },

    /** Checks a change of a service's tag or notification: one read of the mode covers both. */
    observeServiceChange(run: Run, operation: string): void {
      const { mode } = getRunReads(run);
      note(run.requestId, `calls ${operation}`);
      assertInvariant(
        'linkgate changes EC2 only in mode enforce, as read right before',
        mode === 'enforce',
        `${operation} by ${run.requestId}, which has read ${mode ?? 'none'}`,
      );
    },
  };
}
