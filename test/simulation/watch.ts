import { closedBy } from '../../lib/api/answers.ts';
import type { PersonsDecision, Word } from '../../lib/approval/decide-by-person.ts';
import { type AuditEntry, readAuditEntry } from '../../lib/audit/audit.ts';
import type { Mode } from '../../lib/connection/apply-verdicts.ts';
import { type ConnectionRecord, readRecord, recordKey } from '../../lib/connection/connection-record.ts';
import { dueIn, readPointer } from '../../lib/connection/due.ts';
import { byKey, keyName } from '../../lib/table/item.ts';
import type { Item, Key } from '../../lib/table/table.ts';
import type { PrivateLinkState } from '../../sandbox/privatelink/model.ts';
import type { Change, Items } from '../doubles/memory-table.ts';
import type { ChangingCall } from './aws.ts';
import type { Run } from './invocations.ts';
import { permitted, saidOf } from './permission.ts';

/** Something happened that must never happen. */
export class BrokenInvariantError extends Error {
  override readonly name = 'BrokenInvariantError';
}

interface Reading {
  readonly items: Map<string, Item | undefined>;
  at: number;
  mode?: Mode;
}

export type Watch = ReturnType<typeof createWatch>;

/** Holds each step against what linkgate promises; the first broken promise ends the history. */
export function createWatch(items: Items, note: (who: string, what: string) => void, now: () => number) {
  let broken: BrokenInvariantError | undefined;
  let acting: Run | undefined;
  /** What each run last read, and when, since it last changed something in EC2. */
  const readings = new Map<string, Reading>();
  const histories = new Map<string, AuditEntry[]>();
  const acceptedByPolicy = new Set<string>();
  const spoken: { readonly endpointId: string; readonly by: string; readonly decision: string }[] = [];

  function mustHold(holds: boolean, promise: string): void {
    if (!holds) broken ??= new BrokenInvariantError(promise);
  }

  function recordOf(endpointId: string): ConnectionRecord | undefined {
    const [item] = items.read([recordKey(endpointId)]);
    return item && readRecord(item);
  }

  function readingOf(requestId: string): Reading {
    const reading = readings.get(requestId) ?? { items: new Map<string, Item | undefined>(), at: 0 };
    readings.set(requestId, reading);
    return reading;
  }

  function mustBePermitted({ run, action }: ChangingCall, endpointId: string, state: PrivateLinkState): void {
    const { items: read, at, mode } = readingOf(run.requestId);
    mustHold(mode === 'act', `${run.requestId} may ${action}: the mode, read right before, is ${mode}`);
    const found = { find: (key: Key) => read.get(keyName(key)) };
    const item = found.find(recordKey(endpointId));
    const record = item && readRecord(item);
    mustHold(record !== undefined, `${action} of ${endpointId} rests on its record, read right before`);
    if (!record) return;
    const { verdict, approval, effect } = record;
    mustHold(effect?.action === action && verdict?.outcome === action, `${action} of ${endpointId} is due`);
    const said = saidOf(record, found);
    mustHold(
      said.service !== undefined,
      `${record.serviceId} is registered, for linkgate to ${action} there`,
    );
    const may = permitted(record, said, approval, at);
    mustHold(
      action === 'accept' ? may === 'accept' : may !== 'accept',
      `${action} of ${endpointId} is what policy or a person wants, as read right before, not ${may}`,
    );
    if (action === 'reject') return;
    if (approval) {
      acceptedByPolicy.delete(endpointId);
      return;
    }
    acceptedByPolicy.add(endpointId);
    const max = said.entries[0]?.maxEndpoints ?? Number.POSITIVE_INFINITY;
    const others = liveByPolicy(record, state);
    mustHold(
      others.length < max,
      `${endpointId} is accepted as one of ${max} endpoints, beside ${others.join(', ')}`,
    );
  }

  function liveByPolicy(record: ConnectionRecord, { endpoints }: PrivateLinkState): string[] {
    return Object.values(endpoints)
      .filter(
        ({ id, serviceId, accountId }) =>
          id !== record.endpointId && serviceId === record.serviceId && accountId === record.ownerAccountId,
      )
      .filter(({ id, state, next }) => acceptedByPolicy.has(id) && isLiveOrSoon(state, next?.state))
      .map(({ id }) => id);
  }

  function auditWritten({ before, after }: Change): void {
    mustHold(before === undefined && after !== undefined, 'audit entries are only ever added');
    if (!after) return;
    const entry = readAuditEntry(after);
    const { endpointId, sequence, action, actor } = entry;
    const history = histories.get(endpointId) ?? [];
    histories.set(endpointId, history);
    note(
      `  ${endpointId}`,
      `${sequence} ${action} ${entry.outcome ?? entry.state ?? ''} by ${actor} ${entry.reason ?? ''}`,
    );
    mustHold(
      sequence === history.length + 1,
      `audit entry ${sequence} of ${endpointId} follows ${history.length}`,
    );
    mustHold(!isRepeated(entry, history), `\`${action}\` of ${endpointId} is written once`);
    if (action === 'approved' || action === 'denied')
      mustHold(
        spoken.some(
          (word) => word.endpointId === endpointId && word.by === actor && said[word.decision] === action,
        ),
        `${actor} ${action} ${endpointId}, as the audit says`,
      );
    history.push(entry);
  }

  return {
    broken: () => broken,
    mustHold,
    recordOf,
    historyOf: (endpointId: string): readonly AuditEntry[] => histories.get(endpointId) ?? [],

    read({ requestId }: Run, keys: readonly Key[], found: readonly Item[]): void {
      const reading = readingOf(requestId);
      reading.at = now();
      const { find } = byKey(found);
      for (const key of keys) reading.items.set(keyName(key), find(key));
    },

    modeRead({ requestId }: Run, mode: Mode): void {
      readingOf(requestId).mode = mode;
    },

    written(changes: readonly Change[]): void {
      const touched = new Map<string, ConnectionRecord>();
      for (const change of changes) {
        const item = change.after ?? change.before;
        if (item?.pk.startsWith('AUDIT#')) auditWritten(change);
        if (!item?.pk.startsWith('CONNECTIONS#') && !item?.pk.startsWith('DUE#')) continue;
        const record = recordOf(item.sk);
        if (record) touched.set(item.sk, record);
      }
      for (const [endpointId, { place, effect }] of touched) {
        const [pointer] = items.read([{ pk: dueIn(place), sk: endpointId }]).map(readPointer);
        mustHold(
          pointer?.action === effect?.action,
          `what is due of ${endpointId} (${effect?.action ?? 'nothing'}) is pointed at (${pointer?.action ?? 'nothing'})`,
        );
      }
    },

    changing(call: ChangingCall, state: PrivateLinkState): void {
      const { run, action, endpointIds } = call;
      note(run.requestId, `calls ${action} of ${endpointIds.join(', ')}`);
      mustHold(
        acting === undefined || acting === run || acting.isOver(),
        `${run.requestId} changes EC2 alone, not beside ${acting?.requestId}`,
      );
      acting = run;
      for (const endpointId of endpointIds) mustBePermitted(call, endpointId, state);
      readings.delete(run.requestId);
    },

    speaks(endpointId: string, { by, decision }: Word): void {
      spoken.push({ endpointId, by, decision });
    },

    /** What a person is told is true. */
    told(endpointId: string, { by, decision }: Word, result: PersonsDecision): void {
      const { approval, verdict } = recordOf(endpointId) ?? {};
      const isOverruled =
        approval && verdict?.outcome === (approval.decision === 'approve' ? 'reject' : 'accept');
      if (result.status === 'decided')
        mustHold(
          approval?.by === by && approval.decision === decision,
          `${by} is told to have decided ${endpointId}, where ${approval?.by} has`,
        );
      if (result.status !== 'not-open') return;
      const closed = closedBy(result);
      mustHold(
        closed.by !== undefined || closed.state !== 'pendingAcceptance',
        `${by} is told why ${endpointId} is not open`,
      );
      mustHold(
        approval === undefined || closed.by === (isOverruled ? 'linkgate' : approval.by),
        `${by} is told that ${approval?.by} decided ${endpointId}, and not that ${closed.by ?? closed.state} did`,
      );
    },
  };
}

const said: Readonly<Record<string, string>> = { approve: 'approved', deny: 'denied' };

/** Whether an entry says what one said before that still holds. */
function isRepeated(
  { action, outcome, state, consulted }: AuditEntry,
  history: readonly AuditEntry[],
): boolean {
  const last = history.at(-1);
  switch (action) {
    case 'requested':
      return history.length > 0;
    case 'approved':
    case 'denied':
      return history.some((entry) => entry.action === 'approved' || entry.action === 'denied');
    case 'decided':
      return (
        last?.action === action &&
        last.outcome === outcome &&
        JSON.stringify(last.consulted) === JSON.stringify(consulted)
      );
    case 'applied': {
      const since = history.slice(history.findLastIndex(isDecision) + 1);
      return since.some((entry) => entry.action === action && entry.outcome === outcome);
    }
    case 'gone':
      return last?.action === action;
    case 'observed':
      return last?.action === action && last.state === state;
    default:
      return false;
  }
}

function isDecision({ action, reason }: AuditEntry): boolean {
  return (
    action === 'decided' ||
    action === 'approved' ||
    action === 'denied' ||
    (action === 'observed' && reason?.includes('put right') === true)
  );
}

function isLiveOrSoon(state: string, next: string | undefined): boolean {
  return ['pending', 'available'].includes(next ?? state);
}
