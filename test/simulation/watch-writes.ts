import { type AuditEntry, auditPartition, readAuditEntry } from '../../lib/audit/audit.ts';
import {
  type ConnectionRecord,
  readRecord,
  recordKey,
  recordPartitions,
} from '../../lib/connection/connection-record.ts';
import { dueIn, readPointer } from '../../lib/connection/due.ts';
import type { Key } from '../../lib/table/table.ts';
import type { Change, Items } from '../doubles/memory-table.ts';
import type { Run } from './invocations.ts';
import type { MustHold } from './promises.ts';
import { addedTo, isNewerMajor } from './rollout.ts';
import type { watchCalls } from './watch-calls.ts';
import type { Spoken } from './watch-people.ts';

/** What is read, changed and written again: the next version's attributes stay in it. Other items are made anew as a whole. */
const rewritten = [...recordPartitions, 'SERVICES', 'COUNTED#'];

/** Watches what is written to the table. */
export function watchWrites(
  items: Items,
  mustHold: MustHold,
  note: (who: string, what: string) => void,
  wasSaid: (spoken: Spoken) => boolean,
  { lastRead }: Pick<ReturnType<typeof watchCalls>, 'lastRead'>,
) {
  const histories = new Map<string, AuditEntry[]>();
  const historyOf = (endpointId: string): readonly AuditEntry[] => histories.get(endpointId) ?? [];

  function recordOf(endpointId: string): ConnectionRecord | undefined {
    const [item] = items.read([recordKey(endpointId)]);
    return item && !isNewerMajor(item) ? readRecord(item) : undefined;
  }

  const isUnreadable = (endpointId: string) => items.read([recordKey(endpointId)]).some(isNewerMajor);

  function auditWritten({ before, after }: Change): void {
    mustHold(
      'audit entries are only ever added, in order',
      before === undefined && after !== undefined,
      before?.pk ?? '',
    );
    if (!after) return;
    const entry = readAuditEntry(after);
    const { endpointId, sequence, action, actor, outcome, state, reason = '' } = entry;
    const history = histories.get(endpointId) ?? [];
    histories.set(endpointId, history);
    note(`  ${endpointId}`, `${sequence} ${action} ${outcome ?? state ?? ''} by ${actor} ${reason}`);
    mustHold(
      'audit entries are only ever added, in order',
      sequence === history.length + 1,
      `${sequence} of ${endpointId} follows ${history.length}`,
    );
    mustHold('what happened is audited once', !isRepeated(entry, history), `\`${action}\` of ${endpointId}`);
    if (isWord(entry))
      mustHold(
        'who has decided by the audit has said so',
        wasSaid({ endpointId, by: actor, decision: action === 'approved' ? 'approve' : 'deny' }),
        `${actor} ${action} ${endpointId}`,
      );
    history.push(entry);
  }

  /** @param words that the same transaction adds to its history. */
  function mustCloseOnce(run: Run, { before, after }: Change, words: readonly AuditEntry[]): void {
    if (!after || isNewerMajor(after) || isNewerMajor(before)) return;
    const { endpointId, approval } = readRecord(after);
    const earlier = before && readRecord(before).approval;
    mustHold(
      'one decision closes a request',
      !earlier || (approval?.by === earlier.by && approval.at === earlier.at && words.length === 0),
      `${earlier?.by} has decided ${endpointId}, not ${approval?.by ?? words[0]?.actor}`,
    );
    if (earlier || approval?.decision !== 'approve') return;
    const group = lastRead(run, { pk: 'APPROVERS', sk: 'default' });
    const quorum = Number(group?.quorum ?? Number.POSITIVE_INFINITY);
    const approvers = new Set(
      historyOf(endpointId)
        .filter(({ action }) => action === 'approved')
        .map(({ actor }) => actor),
    );
    mustHold(
      'it takes a quorum to approve',
      approvers.size >= quorum,
      `${approvers.size} of ${quorum} approved ${endpointId}`,
    );
  }

  function mustBePointedAt({ endpointId, place, effect }: ConnectionRecord): void {
    const [pointer] = items.read([{ pk: dueIn(place), sk: endpointId }]).map(readPointer);
    mustHold(
      'what is due is pointed at',
      pointer?.action === effect?.action,
      `${effect?.action ?? 'nothing'} is due of ${endpointId}, and ${pointer?.action ?? 'nothing'} is pointed at`,
    );
  }

  /** The deployed version keeps what the next one wrote, and leaves alone what it cannot read. */
  function mustRespectNewer({ version, requestId }: Run, { before, after }: Change): void {
    mustHold(
      'what only a newer version can read is left alone',
      !isNewerMajor(before),
      `${requestId} writes ${before?.sk}`,
    );
    if (version === 'next' || !after || addedTo(before) === undefined) return;
    if (!rewritten.some((partition) => after.pk.startsWith(partition))) return;
    mustHold(
      'what a newer version added is kept',
      addedTo(after) === addedTo(before),
      `${requestId} loses it from ${after.pk} ${after.sk}`,
    );
  }

  return {
    recordOf,
    isUnreadable,
    historyOf,
    written(run: Run, changes: readonly Change[]): void {
      for (const change of changes) mustRespectNewer(run, change);
      for (const change of changes) if (keyOf(change).pk.startsWith(auditPartition)) auditWritten(change);
      const touched = new Set<string>();
      for (const change of changes) {
        const { pk, sk } = keyOf(change);
        if (recordPartitions.includes(pk)) mustCloseOnce(run, change, wordsIn(changes, sk));
        if (recordPartitions.includes(pk) || pk.startsWith('DUE#')) touched.add(sk);
      }
      for (const record of [...touched].map(recordOf)) if (record) mustBePointedAt(record);
    },
  };
}

function keyOf({ before, after }: Change): Key {
  return after ?? before ?? { pk: '', sk: '' };
}

function wordsIn(changes: readonly Change[], endpointId: string): AuditEntry[] {
  return changes
    .flatMap(({ after }) => (after?.pk === `${auditPartition}${endpointId}` ? [readAuditEntry(after)] : []))
    .filter(isWord);
}

function isWord({ action }: AuditEntry): boolean {
  return action === 'approved' || action === 'denied';
}

/** Whether an entry says what one said before that still holds. */
function isRepeated(
  { action, outcome, state, consulted }: AuditEntry,
  history: readonly AuditEntry[],
): boolean {
  const last = history.at(-1);
  switch (action) {
    case 'requested':
      return history.length > 0;
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
