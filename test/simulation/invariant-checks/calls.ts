import { type ConnectionRecord, readRecord, recordKey } from '../../../lib/connections/connection-record.ts';
import type { Mode } from '../../../lib/mode/mode.ts';
import { formatKey } from '../../../lib/storage/entity.ts';
import type { Item, Key } from '../../../lib/storage/table.ts';
import type { PrivateLinkState } from '../../../sandbox/privatelink/model.ts';
import type { ChangingCall } from '../aws.ts';
import type { AssertInvariant } from '../invariants.ts';
import type { Run } from '../invocations.ts';
import { isNewerMajor } from '../mixed-versions.ts';
import { expectedAction, isRejectedOnExpiry, type OraclePolicy, readOraclePolicy } from '../policy-oracle.ts';
import type { watchDisconnects } from './disconnects.ts';

/** The reads of a run since its last accept or reject call. */
interface RunReads {
  readonly items: Map<string, Item | undefined>;
  /** The time of its last table read. */
  at: number;
  mode?: Mode;
  /** The sources read since the mode was read. Both are required, because one may be a late read that the run gave up. */
  readonly lookedSince: Set<'table' | 'ec2'>;
  /** The endpoints that EC2 returned: whether each is connected. */
  readonly living: Map<string, boolean>;
}

/** Checks calls to EC2 against the reads of the run. */
export function watchCalls(
  mustHold: AssertInvariant,
  note: (who: string, what: string) => void,
  cuts: Pick<ReturnType<typeof watchDisconnects>, 'mustBeRevoked'>,
  now: () => number,
) {
  let applyingRun: Run | undefined;
  const readsByRun = new Map<string, RunReads>();
  const askedToAccept = new Set<string>();
  const acceptedByPolicy = new Set<string>();

  function readsOf({ requestId }: Run): RunReads {
    const reading = readsByRun.get(requestId) ?? {
      items: new Map<string, Item | undefined>(),
      at: 0,
      lookedSince: new Set<'table' | 'ec2'>(),
      living: new Map<string, boolean>(),
    };
    readsByRun.set(requestId, reading);
    return reading;
  }

  const lastRead = (run: Run, key: Key) => readsOf(run).items.get(formatKey(key));

  function mustBePermitted(call: ChangingCall, endpointId: string, state: PrivateLinkState): void {
    const { run, action } = call;
    const { at } = readsOf(run);
    const found = { find: (key: Key) => lastRead(run, key) };
    const item = found.find(recordKey(endpointId));
    mustHold(
      'items of a newer major version are not changed',
      !isNewerMajor(item),
      `${action} of ${endpointId}`,
    );
    const record = item && !isNewerMajor(item) ? readRecord(item) : undefined;
    const said = record && readOraclePolicy(record, found);
    mustHold(
      'linkgate calls EC2 only for a pending effect at a registered service',
      record?.pendingEffect?.action === action &&
        record.verdict?.outcome === action &&
        said?.service !== undefined,
      `${action} of ${endpointId}`,
    );
    if (!record || !said) return;
    if (action === 'reject') mustNotCut(run, record);
    if (record.revocation) {
      cuts.mustBeRevoked(record, record.revocation, said, at, state);
      return;
    }
    const may = expectedAction(record, said, record.approval, at);
    const isBeyondCount = said.entries[0]?.maxEndpoints !== undefined;
    mustHold(
      'linkgate calls EC2 only for the current verdict of policy or of a person, as read right before',
      may === action || (action === 'reject' && isBeyondCount && isRejectedOnExpiry(record, said, at)),
      `${action} of ${endpointId}, not ${may}`,
    );
    if (action === 'accept') mustCount(call, said, record, state);
  }

  function mustCount(
    { endpointIds }: ChangingCall,
    { entries }: OraclePolicy,
    record: ConnectionRecord,
    { endpoints }: PrivateLinkState,
  ): void {
    const { endpointId } = record;
    if (record.approval) {
      acceptedByPolicy.delete(endpointId);
      return;
    }
    acceptedByPolicy.add(endpointId);
    const max = entries[0]?.maxEndpoints ?? Number.POSITIVE_INFINITY;
    const others = Object.values(endpoints).filter(
      ({ id, serviceId, accountId, state, next }) =>
        id !== endpointId &&
        serviceId === record.serviceId &&
        accountId === record.ownerAccountId &&
        acceptedByPolicy.has(id) &&
        (endpointIds.includes(id) || ['pending', 'available'].includes(next?.state ?? state)),
    );
    mustHold(
      'policy accepts no more endpoints of an account than its entry counts',
      others.length < max,
      `${endpointId} is one of ${max}, beside ${others.map(({ id }) => id).join(', ')}`,
    );
  }

  /** Counts accepts of policy in either mode. */
  function mustNotCut(run: Run, { endpointId, revocation }: ConnectionRecord): void {
    mustHold(
      'linkgate disconnects only connections that it accepted, or whose disconnect it scheduled',
      !readsOf(run).living.get(endpointId) || askedToAccept.has(endpointId) || revocation !== undefined,
      `${endpointId} is not rejected`,
    );
  }

  return {
    lastRead,

    /** The table was replaced: the new one determines the counts, and earlier accepts may be wanted now. */
    replaced(): void {
      askedToAccept.clear();
      acceptedByPolicy.clear();
    },

    read(run: Run, keys: readonly Key[], found: readonly Item[]): void {
      const reading = readsOf(run);
      const items = new Map(found.map((item) => [formatKey(item), item]));
      for (const key of keys) reading.items.set(formatKey(key), items.get(formatKey(key)));
      reading.at = now();
      reading.lookedSince.add('table');
    },

    /** EC2 returned connections: earlier reads are no longer "right before". */
    observeDescribe(run: Run, living: ReadonlyMap<string, boolean>): void {
      const reading = readsOf(run);
      reading.lookedSince.add('ec2');
      for (const [endpointId, isLiving] of living) reading.living.set(endpointId, isLiving);
    },

    observeChangeRequested({ action, endpointIds }: ChangingCall): void {
      if (action === 'accept') for (const endpointId of endpointIds) askedToAccept.add(endpointId);
    },

    observeModeRead(run: Run, mode: Mode): void {
      const reading = readsOf(run);
      reading.mode = mode;
      reading.lookedSince.clear();
    },

    /** EC2 changes connections: the mode has to be read right before, for this call only. */
    observeChange(call: ChangingCall, state: PrivateLinkState): void {
      const { run, action, endpointIds } = call;
      note(run.requestId, `calls ${action} of ${endpointIds.join(', ')}`);
      const { mode, lookedSince } = readsOf(run);
      const isFresh = lookedSince.size < 2;
      mustHold(
        'linkgate changes EC2 only in mode enforce, as read right before',
        mode === 'enforce' && isFresh,
        `${action} by ${run.requestId}, which has read ${mode ?? 'none'}${isFresh ? '' : ' a while ago'}`,
      );
      mustHold(
        'one run at a time changes EC2',
        applyingRun === undefined || applyingRun === run || applyingRun.isOver(),
        `${run.requestId} does not beside ${applyingRun?.requestId}`,
      );
      applyingRun = run;
      for (const endpointId of endpointIds) mustBePermitted(call, endpointId, state);
      readsByRun.delete(run.requestId);
    },

    /** EC2 changes the tag or the notification of a service: one read of the mode covers both. */
    observeServiceChange(run: Run, operation: string): void {
      const { mode } = readsOf(run);
      note(run.requestId, `calls ${operation}`);
      mustHold(
        'linkgate changes EC2 only in mode enforce, as read right before',
        mode === 'enforce',
        `${operation} by ${run.requestId}, which has read ${mode ?? 'none'}`,
      );
    },
  };
}
