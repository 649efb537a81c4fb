import { readFileSync } from 'node:fs';
import { modeOrFailSafe } from '../../lib/aws/ssm-mode.ts';
import { type ConnectionEvent, eventSource } from '../../lib/connections/connection-event.ts';
import { type AccountRegion, formatAccountRegion } from '../../lib/locations/account-region.ts';
import type { NotificationTarget } from '../../lib/outbox/notification.ts';
import type { Item } from '../../lib/storage/table.ts';
import type { SweepRequest } from '../../lib/sweep/sweep-queue.ts';
import { connectionRules } from '../../rules/connection/index.ts';
import { compilePattern } from '../../sandbox/aws/event-pattern.ts';
import type { Run } from './invocations.ts';
import type { Queues, SimulationDeps } from './linkgate.ts';
import { withAddition } from './mixed-versions.ts';
import type { Queue } from './queue.ts';
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
  function deliver({ type, ...detail }: ConnectionEvent, run: Run): void {
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
    /** Sends messages to a queue in one call. */
    async function send(
      queue: Queue,
      messages: readonly object[],
      options?: Parameters<Queue['send']>[1],
    ): Promise<void> {
      if (messages.length > 0)
        await run.call('send', () => {
          for (const message of messages) queue.send(JSON.stringify(stampMessage(run, message)), options);
        });
    }
    const modeParameter = aws.createModeParameter(run);
    return {
      table: aws.createSimulatedTable(run),
      bus: {
        async publish(events: readonly ConnectionEvent[]) {
          if (events.length > 0)
            await run.call('send', () => {
              for (const event of events) deliver(event, run);
            });
        },
      },
      applyQueue: {
        enqueue: (location: AccountRegion) =>
          send(queues.verdicts, [{ location }], { group: formatAccountRegion(location) }),
      },
      sweepQueue: {
        enqueue: (request: SweepRequest, options?: { readonly afterSeconds: number }) =>
          send(queues.sweepQueue, [request], options),
      },
      notificationQueue: {
        enqueue: (targets: readonly NotificationTarget[]) => send(queues.notificationQueue, targets),
        enqueueAfter: (afterSeconds: number, targets: readonly NotificationTarget[]) =>
          send(queues.notificationQueue, targets, { afterSeconds }),
      },
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
  return version === 'next' ? withAddition(message, requestId) : message;
}
