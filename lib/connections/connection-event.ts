import * as v from 'valibot';
import { Connection, isEnded } from '../privatelink/connection.ts';
import {
  ConnectionRecord,
  isFulfilledBy,
  isRightlyAnswered,
  isUndone,
  isVerdictExpired,
} from './connection-record.ts';

/** The `source` of every event that linkgate publishes. */
export const eventSource = 'linkgate';

/**
 * An event on linkgate's bus. `Connection Request`: the connection has no current verdict, and EC2 shows it pending acceptance or
 * somebody answered it outside linkgate. `Connection Changed`: EC2 shows another state than `record`.
 */
export const ConnectionEvent = v.object({
  type: v.picklist(['Connection Request', 'Connection Changed']),
  connection: Connection,
  /** ISO 8601: the time of the describe call. */
  observedAt: v.string(),
  /** The schema is loose, so that a write keeps the attributes of newer versions. */
  record: v.exactOptional(v.looseObject(ConnectionRecord.entries)),
});
export type ConnectionEvent = v.InferOutput<typeof ConnectionEvent>;

/** A connection event in EventBridge's envelope, as an EventBridge rule sends it to SQS. */
export const BusMessage = v.pipe(
  v.object({
    source: v.literal(eventSource),
    'detail-type': ConnectionEvent.entries.type,
    detail: v.omit(ConnectionEvent, ['type']),
  }),
  v.transform(({ detail, 'detail-type': type }) => ({ detail: { ...detail, type } })),
);

/** linkgate's event bus. */
export interface Bus {
  /** @throws when it could not deliver an event. */
  publish(events: readonly ConnectionEvent[]): Promise<void>;
}

/** Publishes connections as they are now. */
export async function publishConnections(
  type: ConnectionEvent['type'],
  connections: readonly Connection[],
  { bus, now }: { readonly bus: Bus; readonly now: () => Date },
): Promise<void> {
  const observedAt = now().toISOString();
  await bus.publish(connections.map((connection) => ({ type, connection, observedAt })));
}

/** The time after Accept during which linkgate describes a `pending` connection again, in milliseconds. */
const pendingTimeoutMs = 10 * 60_000;

/**
 * Whether a connection is still `pending` after linkgate called Accept. EC2 sends no notification when it becomes available, but
 * each event that says `pending` causes another describe call some seconds later.
 */
function isStillPending({ state, acceptRequestedAt }: ConnectionRecord, now: Date): boolean {
  return (
    state === 'pending' &&
    acceptRequestedAt !== undefined &&
    now.getTime() - new Date(acceptRequestedAt).getTime() < pendingTimeoutMs
  );
}

/**
 * Compares a connection that EC2 shows with its record.
 * @param policyChanged the policy versions behind the verdict may have changed, so that linkgate decides the connection again.
 * @returns undefined if they agree.
 */
export function toConnectionEvent(
  connection: Connection,
  record: ConnectionRecord | undefined,
  now: Date,
  policyChanged: boolean,
): ConnectionEvent | undefined {
  const observedAt = now.toISOString();
  if (connection.state === 'pendingAcceptance') {
    if (record && isRightlyAnswered(record, observedAt)) return undefined;
    const isRemembered = record?.state === 'pendingAcceptance';
    const isDecided =
      record?.verdict !== undefined &&
      record.endedAt === undefined &&
      (isRemembered ? !isUndone(record) : record.pendingEffect !== undefined) &&
      !isVerdictExpired(record.verdict, now) &&
      !policyChanged;
    if (!isDecided) return { type: 'Connection Request', connection, observedAt };
    return isRemembered && record.missingSince === undefined
      ? undefined
      : { type: 'Connection Changed', connection, observedAt, record };
  }
  if (!record && isEnded(connection.state)) return undefined;
  const differs =
    !record ||
    record.state !== connection.state ||
    record.missingSince !== undefined ||
    (record.pendingEffect && isFulfilledBy(record.pendingEffect.action, connection.state)) ||
    isStillPending(record, now);
  return differs
    ? { type: 'Connection Changed', connection, observedAt, ...(record && { record }) }
    : undefined;
}
