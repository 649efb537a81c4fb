import type { SlackMessage } from '../channels/slack/blocks.ts';
import { SlackError, type SlackMessageId, type SlackWebApi } from '../channels/slack/web-api.ts';
import type { Destination, MessageSession } from '../outbox/content.ts';
import { orReported } from '../runtime/runtime.ts';
import type { NotifyInSlackDeps } from './notify-deps.ts';
import {
  channelErrorSeconds,
  findThrottle,
  type NotificationThrottle,
  recordChannelError,
} from './throttle.ts';

/** Errors of chat.update that concern one message, not the channel. `fixed`: Slack no longer allows an update. */
const messageErrors: ReadonlyMap<string, 'deleted' | 'fixed'> = new Map([
  ['message_not_found', 'deleted'],
  ['cant_update_message', 'fixed'],
  ['edit_window_closed', 'fixed'],
] as const);

type SlackApi = Pick<SlackWebApi, 'post' | 'update' | 'remove'>;

/**
 * Calls Slack during one run. After a Retry-After or an outage the run makes no further call and does not wait: the outbox tries
 * again.
 */
export function createSlackSession({
  slack,
  table,
  now,
  reportError,
}: NotifyInSlackDeps): MessageSession<SlackMessage> {
  let isAway = false;
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

  async function attempt<T>(
    { group, channel }: Destination,
    call: (api: SlackApi) => Promise<T>,
  ): Promise<T | 'failed' | 'unknown'> {
    if (!slack || isAway || waits.has(channel)) return 'failed';
    try {
      const result = await call(slack);
      await updateChannelError(group, undefined);
      return result;
    } catch (error) {
      const refusal = error instanceof SlackError ? error : undefined;
      if (refusal?.retryAfterSeconds !== undefined) {
        waits.set(channel, refusal.retryAfterSeconds);
        return 'failed';
      }
      reportError(error, 'send Slack message');
      if (refusal?.isPermanent)
        await updateChannelError(group, { error: refusal.error, channel, at: now().toISOString() });
      else isAway = true;
      return refusal && !refusal.isInDoubt ? 'failed' : 'unknown';
    }
  }

  return {
    async availability({ group, channel }) {
      if (!slack) return 'off';
      if (isAway) return {};
      const seconds = waits.get(channel) ?? channelErrorSeconds(await loadThrottle(group), channel, now());
      return seconds > 0 ? { seconds } : 'ready';
    },

    post: (destination, message) =>
      attempt<SlackMessageId>(destination, (api) => api.post({ ...message, channel: destination.channel })),

    async postText(destination, text, threadTs) {
      const reply = { text, channel: destination.channel, ...(threadTs !== undefined && { threadTs }) };
      return typeof (await attempt(destination, (api) => api.post(reply))) === 'object';
    },

    async update(destination, ts, message) {
      const outcome = await attempt(destination, async (api) => {
        try {
          await api.update({ ...message, channel: destination.channel, ts });
          return 'updated';
        } catch (error) {
          const known = error instanceof SlackError ? messageErrors.get(error.error) : undefined;
          if (known === undefined) throw error;
          return known;
        }
      });
      return outcome === 'unknown' ? 'failed' : outcome;
    },

    async replaceOutdated({ channel, ts }, replacement) {
      if (!slack || isAway || waits.has(channel)) return false;
      try {
        await slack.update({ ...replacement, channel, ts });
        return true;
      } catch (error) {
        reportError(error, 'update Slack message');
        return error instanceof SlackError && error.isPermanent;
      }
    },

    async remove(destination, message) {
      await attempt(destination, (api) => api.remove(message));
    },
  };
}
