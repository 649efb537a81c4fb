import { readFileSync } from 'node:fs';
import { modeOrFailSafe } from '../../lib/aws/ssm-mode.ts';
import { type Bus, eventSource } from '../../lib/connections/connection-event.ts';
import { type AccountRegion, formatAccountRegion } from '../../lib/locations/account-region.ts';
import type { NotificationQueue, NotificationTarget } from '../../lib/outbox/notification.ts';
import type { ApplyQueue } from '../../lib/reconcile/apply-queue.ts';
import type { Item } from '../../lib/storage/table.ts';
import type { SweepQueue } from '../../lib/sweep/sweep-queue.ts';
import { connectionRules } from '../../rules/connection/index.ts';
import { compilePattern } from '../../sandbox/aws/event-pattern.ts';
import type { Run } from './invocations.ts';
import type { Queues, SimulationDeps } from './linkgate.ts';
import { withAdditionInMessage } from './mixed-versions.ts';
import { topicArn } from './topology.ts';

export type SimulatedDeps = ReturnType<ReturnType<typeof createWiring>>;

/**
 * A mutant: replaces dependencies of a function, so that an invariant breaks.
 * @param memory the items that it remembers in one history, by their keys.
 */
export type Mutant = (wired: SimulatedDeps, run: Run, memory: Map<string, Item>) => Partial<SimulatedDeps>;

const pattern = (name: string) =>
  compilePattern(
    JSON.parse(readFileSync(new URL(`../../rules/events/${name}.json`, import.meta.url), 'utf8')) as object,
  );
const isRequest = pattern('connection-request');
const isChange = pattern('connection-changed');
const isPending = pattern('connection-is-pending');

/** The dependencies of all functions. `changePolicy`: runs between the last read of apply-verdicts and its call. */
export function createWiring(
  { aws, slack, mailbox, faults }: SimulationDeps,
  queues: Queues,
  changePolicy: () => Promise<unknown>,
) {
  /** Delivers an event to the queues by the deployed rules of EventBridge. */
  function deliver({ type, ...detail }: Parameters<Bus['publish']>[0][number], run: Run): void {
    const { accountId: account, region } = detail.connection.location;
    const event = {
      source: eventSource,
      'detail-type': type,
      account,
      region,
      detail: stampMessage(run, detail),
    };
    const body = JSON.stringify(event);
    if (isRequest(event)) queues.requests.send(body);
    if (isChange(event)) queues.changes.send(body);
    if (isPending(event)) queues.rechecks.send(body);
  }

  return (run: Run) => {
    const bus: Bus = {
      async publish(events) {
        if (events.length > 0)
          await run.call('send', () => {
            for (const event of events) deliver(event, run);
          });
      },
    };
    const applyQueue: ApplyQueue = {
      enqueue: (location: AccountRegion) =>
        run.call('send', () =>
          queues.verdicts.send(JSON.stringify(stampMessage(run, { location })), {
            group: formatAccountRegion(location),
          }),
        ),
    };
    const sweepQueue: SweepQueue = {
      enqueue: (request, options) =>
        run.call('send', () => queues.sweepQueue.send(JSON.stringify(stampMessage(run, request)), options)),
    };
    const enqueueNotifications = async (
      targets: readonly NotificationTarget[],
      options?: { readonly afterSeconds: number },
    ) => {
      if (targets.length > 0)
        await run.call('send', () => {
          for (const target of targets)
            queues.notificationQueue.send(JSON.stringify(stampMessage(run, target)), options);
        });
    };
    const notificationQueue: NotificationQueue = {
      enqueue: (targets) => enqueueNotifications(targets),
      enqueueAfter: (afterSeconds, targets) => enqueueNotifications(targets, { afterSeconds }),
    };
    const modeParameter = aws.createModeParameter(run);
    return {
      table: aws.createSimulatedTable(run),
      applyQueue,
      bus,
      sweepQueue,
      notificationQueue,
      // Customers have no contacts here.
      customerNotificationQueue: { enqueue: async () => {}, enqueueAfter: async () => {} },
      slack: slack.createApi(run),
      emailSender: mailbox.createEmailSender(run),
      publishToOperations: async () => {},
      createApprovalLink: mailbox.createApprovalLink,
      connectionsClient: aws.createConnectionsClient(run),
      servicesClient: aws.createServicesClient(run),
      rules: connectionRules,
      modeParameter,
      mode: modeOrFailSafe(async () => {
        if (faults.draw('last mode read')) await changePolicy();
        return modeParameter.read();
      }, run.reportError),
      hub: aws.provider,
      topicArn,
      now: run.now,
      sleep: run.sleep,
      remainingMs: run.remainingMs,
      requestId: run.requestId,
      reportError: run.reportError,
    };
  };
}

function stampMessage({ version, requestId }: Run, message: object): object {
  return version === 'next' ? withAdditionInMessage(message, requestId) : message;
}
