import { loadApprovalViews } from '../approvals/approval-view.ts';
import { isAssigned, type NotifiedRecord, readNotifiedRecords } from '../approvals/digest.ts';
import type { SlackMessage } from '../channels/slack/blocks.ts';
import type { Renderer } from '../outbox/content.ts';
import { deliver } from '../outbox/deliver.ts';
import type { Notification, NotificationTarget } from '../outbox/notification.ts';
import { orReported } from '../runtime/runtime.ts';
import { omitUnreadable } from '../storage/entity.ts';
import { assignToMessageOrDigest } from './assign-messages.ts';
import { createDigestRenderer } from './digest-renderer.ts';
import { createExpiryRenderer } from './expiry-renderer.ts';
import { digestWindowSeconds, findShowingTarget, needsNotification } from './notification.ts';
import type { NotificationRun, NotifyInSlackDeps } from './notify-deps.ts';
import { createOperationsRenderer } from './operations-renderer.ts';
import { createRequestRenderer } from './request-renderer.ts';
import { createSlackSession } from './slack-session.ts';

/** The number of handled targets for the log, and the targets that SQS has to deliver again. */
interface NotifyApproversResult {
  readonly delivered: number;
  readonly failed: readonly NotificationTarget[];
}

/** A target to deliver, with the queue messages that name it. */
interface Delivery {
  readonly target: NotificationTarget;
  readonly causes: readonly NotificationTarget[];
  /** The item if this run holds its lease. */
  readonly leased?: Notification;
}

/**
 * Notifies approvers in Slack and by email. It renders messages from the current records, so queue messages may arrive twice, late
 * and in any order. The outbox retries after errors of Slack and SNS.
 * @param targets at most one SQS batch.
 * @throws if the table is unreadable.
 */
export async function notifyApprovers(
  targets: readonly NotificationTarget[],
  deps: NotifyInSlackDeps,
): Promise<NotifyApproversResult> {
  const run: NotificationRun = { ...deps, session: createSlackSession(deps), waitingEmails: new Map() };
  const renderers: Readonly<Partial<Record<NotificationTarget['kind'], Renderer<SlackMessage>>>> = {
    request: createRequestRenderer(run),
    digest: createDigestRenderer(run),
    'expiry-warnings': createExpiryRenderer(run),
    'operations-notice': createOperationsRenderer(run),
  };
  const deliveries = [
    ...(await planRequestDeliveries(targets, run)),
    ...targets.filter(({ kind }) => kind !== 'request').map((target) => ({ target, causes: [target] })),
  ];
  const failed: NotificationTarget[] = [];
  const unique = mergeDeliveries(deliveries);
  for (const { target, causes, leased } of unique) {
    const renderer = renderers[target.kind];
    const work = renderer && deliver(target, renderer, run, leased);
    await work?.catch(omitUnreadable(run.reportError)).catch((error: unknown) => {
      run.reportError(error, 'deliver notification');
      failed.push(...causes);
    });
  }
  return { delivered: unique.length - failed.length, failed };
}

function mergeDeliveries(deliveries: readonly Delivery[]): Delivery[] {
  const byTarget = Map.groupBy(deliveries, ({ target: { kind, id } }) => `${kind} ${id}`);
  return [...byTarget.values()].flatMap(([first, ...others]) =>
    first ? [{ ...first, causes: [first, ...others].flatMap(({ causes }) => causes) }] : [],
  );
}

/** Selects the requests that need a notification, and assigns new ones to a message or a digest. */
async function planRequestDeliveries(
  targets: readonly NotificationTarget[],
  run: NotificationRun,
): Promise<Delivery[]> {
  const ids = targets.filter(({ kind }) => kind === 'request').map(({ id }) => id);
  const now = run.now();
  const due = (await readNotifiedRecords([...new Set(ids)], run)).filter(
    (each) => needsNotification(each, now) || each.notification.nextAttemptAt !== undefined,
  );
  const assigned = due.filter(isAssigned).map((each): Delivery => {
    const cause = { kind: 'request', id: each.record.endpointId } as const;
    return { target: findShowingTarget(each), causes: [cause] };
  });
  const newcomers = due.filter((each) => !isAssigned(each));
  return [...assigned, ...(await assignNewRequests(newcomers, run))];
}

async function assignNewRequests(
  newcomers: readonly NotifiedRecord[],
  run: NotificationRun,
): Promise<Delivery[]> {
  if (newcomers.length === 0) return [];
  const records = newcomers.map(({ record }) => record);
  const views = await loadApprovalViews(records, run, { withHistory: false });
  // A group without a channel and an address stores no item, so that linkgate sends its requests once it has one.
  const deliverable = views.filter(({ group }) => group.slackChannel ?? group.emails[0]);
  const deliveries: Delivery[] = [];
  for (const [group, requests] of Map.groupBy(deliverable, (view) => view.group.name))
    await orReported(run.reportError, 'assign requests', async () => {
      const endpointIds = requests.map(({ record }) => record.endpointId);
      const { individual, digestId } = await assignToMessageOrDigest(group, endpointIds, run);
      for (const leased of individual) {
        const target = { kind: leased.kind, id: leased.id };
        deliveries.push({ target, causes: [target], leased });
      }
      if (digestId !== undefined)
        await run.notificationQueue.enqueueAfter(digestWindowSeconds, [{ kind: 'digest', id: digestId }]);
    });
  return deliveries;
}
