import * as v from 'valibot';
import { Connection, isEnded } from '../privatelink/connection.ts';
import {
  ConnectionRecord,
  isFulfilledBy,
  isRightlyAnswered,
  isUndone,
  isVerdictExpired,
} from './connection-record.ts';

/** The event source of all that linkgate puts on its bus. */
export const eventSource = 'linkgate';

/**
 * What linkgate says on its bus. `Connection Request`: without a current verdict, pending in EC2 or answered by somebody else.
 * `Connection Changed`: EC2 shows it otherwise than it is remembered; `record` is what was remembered.
 */
export const ConnectionEvent = v.object({
  type: v.picklist(['Connection Request', 'Connection Changed']),
  connection: Connection,
  /** ISO 8601: when EC2 was looked at. */
  observedAt: v.string(),
  /** Whoever writes it again keeps what a newer version added to it. */
  record: v.exactOptional(v.looseObject(ConnectionRecord.entries)),
});
export type ConnectionEvent = v.InferOutput<typeof ConnectionEvent>;

/** A connection event in EventBridge's envelope, as a rule hands it to a queue. */
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
  /** @throws when an event could not be delivered. */
  publish(events: readonly ConnectionEvent[]): Promise<void>;
}

/** How long a connection that EC2 was asked to accept is looked at again and again while it is pending, in milliseconds. */
const pendingTimeoutMs = 10 * 60_000;

/**
 * Still pending after EC2 was asked to accept it. Nothing rings when it becomes available, but each event that says
 * `pending` brings about another look some seconds later.
 */
function isStillPending({ state, acceptRequestedAt }: ConnectionRecord, now: Date): boolean {
  return (
    state === 'pending' &&
    acceptRequestedAt !== undefined &&
    now.getTime() - new Date(acceptRequestedAt).getTime() < pendingTimeoutMs
  );
}

/**
 * What is to be said of a connection that EC2 shows; nothing, when it is as it is remembered.
 * @param policyChanged what the verdict rests on may have changed, so that it must be looked at again.
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
