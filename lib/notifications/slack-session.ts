import type { SlackMessage } from '../channels/slack/blocks.ts';
import { type MessageToPost, SlackError, type SlackMessageId } from '../channels/slack/web-api.ts';
import { orReported } from '../runtime/runtime.ts';
import type { NotificationTarget } from './notification.ts';
import type { NotifyDeps, NotifyInSlackDeps } from './notify-deps.ts';
import { findThrottle, isChannelFailing, type NotificationThrottle, recordChannelError } from './throttle.ts';

/** The group and channel of a Slack call, and its notification. */
interface SlackDestination {
  readonly group: string;
  readonly channel: string;
  readonly target: NotificationTarget;
}

/** Errors of chat.update that concern one message, not the channel. `fixed`: Slack no longer allows an update. */
const messageErrors: ReadonlyMap<string, 'deleted' | 'fixed'> = new Map([
  ['message_not_found', 'deleted'],
  ['cant_update_message', 'fixed'],
  ['edit_window_closed', 'fixed'],
] as const);

export type SlackSession = ReturnType<typeof createSlackSession>;

/** The dependencies of one run of notify-approvers. */
export interface NotificationRun extends NotifyDeps {
  readonly slack: SlackSession;
}

/**
 * Calls Slack during one run. Errors are results: after a Retry-After or an outage the run makes no further call and does not
 * wait. A later queue message or the sweep retries.
 */
export function createSlackSession({ slack, table, notificationQueue, now, reportError }: NotifyInSlackDeps) {
  let isAway = slack === undefined;
  const waits = new Map<string, number>();
  const throttles = new Map<string, NotificationThrottle>();

  async function loadThrottle(group: string): Promise<NotificationThrottle> {
    const throttle = throttles.get(group) ?? (await findThrottle(group, { table, reportError }));
    throttles.set(group, throttle);
    return throttle;
  }

  /** Reports a failed write, so that the run keeps the result of the Slack call. The next call writes it. */
  async function updateChannelError(
    group: string,
    channelError: NotificationThrottle['channelError'],
  ): Promise<void> {
    await orReported(reportError, 'record Slack error', async () => {
      if (channelError || (await loadThrottle(group)).channelError)
        throttles.set(group, await recordChannelError(group, channelError, { table, reportError }));
    });
  }

  /** @returns undefined if the call failed. */
  async function attempt<T>(
    { group, channel, target }: SlackDestination,
    call: (api: NonNullable<NotifyInSlackDeps['slack']>) => Promise<T>,
  ): Promise<T | undefined> {
    if (!slack || isAway) return undefined;
    try {
      const result = await call(slack);
      await updateChannelError(group, undefined);
      return result;
    } catch (error) {
      const refusal = error instanceof SlackError ? error : undefined;
      if (refusal?.retryAfterSeconds !== undefined) {
        waits.set(channel, refusal.retryAfterSeconds);
        await notificationQueue.enqueueAfter(refusal.retryAfterSeconds, [target]);
        return undefined;
      }
      reportError(error, 'send Slack message');
      if (refusal?.isPermanent)
        await updateChannelError(group, { error: refusal.error, channel, at: now().toISOString() });
      else isAway = true;
      return undefined;
    }
  }

  return {
    /** Whether Slack accepts calls to the channel now. After a Retry-After it enqueues the target for that time. */
    async canSend({ group, channel, target }: SlackDestination): Promise<boolean> {
      if (isAway) return false;
      const seconds = waits.get(channel);
      if (seconds !== undefined) await notificationQueue.enqueueAfter(seconds, [target]);
      return seconds === undefined && !isChannelFailing(await loadThrottle(group), channel, now());
    },

    async post(
      destination: SlackDestination,
      message: Omit<MessageToPost, 'channel'>,
    ): Promise<SlackMessageId | undefined> {
      return attempt(destination, (api) => api.post({ ...message, channel: destination.channel }));
    },

    /** `deleted`: a person deleted the message. `fixed`: Slack no longer allows an update. */
    async update(
      destination: SlackDestination,
      ts: string,
      message: SlackMessage,
    ): Promise<'updated' | 'deleted' | 'fixed' | undefined> {
      return attempt(destination, async (api) => {
        try {
          await api.update({ ...message, channel: destination.channel, ts });
          return 'updated';
        } catch (error) {
          const outcome = error instanceof SlackError ? messageErrors.get(error.error) : undefined;
          if (outcome === undefined) throw error;
          return outcome;
        }
      });
    },

    /**
     * Updates an outdated message.
     * @returns whether it needs no retry: a permanent error of the previous channel ends retries too.
     */
    async updatePrevious({ channel, ts }: SlackMessageId, message: SlackMessage): Promise<boolean> {
      if (!slack || isAway || waits.has(channel)) return false;
      try {
        await slack.update({ ...message, channel, ts });
        return true;
      } catch (error) {
        reportError(error, 'update Slack message');
        return error instanceof SlackError && error.isPermanent;
      }
    },

    async remove(destination: SlackDestination, message: SlackMessageId): Promise<void> {
      await attempt(destination, (api) => api.remove(message));
    },
  };
}
