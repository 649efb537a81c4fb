import type { SlackMessage as SentMessage } from '../../lib/channels/slack/blocks.ts';
import {
  type MessageToPost,
  SlackError,
  type SlackMessageId,
  type SlackWebApi,
} from '../../lib/channels/slack/web-api.ts';

interface SlackMessage extends SlackMessageId, Partial<SentMessage> {
  readonly text: string;
  readonly threadTs?: string;
}

/** A Slack double: the messages of the channels, and faults of calls. */
export function fakeSlack() {
  let messages: SlackMessage[] = [];
  const fixed = new Set<string>();
  let posted = 0;
  const double = {
    calls: [] as string[],
    /** Every call throws this error. */
    error: undefined as SlackError | undefined,
    /** Runs before a call takes effect. */
    beforeEffect: async (_method: string): Promise<void> => {},
    /** Runs after a call took effect. */
    afterEffect: async (_method: string): Promise<void> => {},
    /** The messages outside threads, oldest first. */
    get messages() {
      return messages.filter(({ threadTs }) => threadTs === undefined);
    },
    get replies() {
      return messages.filter(({ threadTs }) => threadTs !== undefined);
    },
    /** Deletes a message, like a person in Slack. */
    deleteMessage(ts: string) {
      messages = messages.filter((message) => message.ts !== ts);
    },
    /** Makes chat.update of the message fail with `edit_window_closed`. */
    closeEditWindow(ts: string) {
      fixed.add(ts);
    },
  };

  async function recordCall(method: string) {
    double.calls.push(method);
    if (double.error) throw double.error;
    await double.beforeEffect(method);
  }

  const api: Pick<SlackWebApi, 'post' | 'update' | 'remove'> = {
    async post({ channel, ...message }: MessageToPost) {
      await recordCall('post');
      const ts = `${1_700_000_000 + ++posted}.000100`;
      messages.push({ ...message, channel, ts });
      await double.afterEffect('post');
      return { channel, ts };
    },
    async update({ channel, ts, ...message }) {
      await recordCall('update');
      if (!messages.some((existing) => existing.ts === ts))
        throw new SlackError('chat.update', 'message_not_found');
      if (fixed.has(ts)) throw new SlackError('chat.update', 'edit_window_closed');
      messages = messages.map((existing) => (existing.ts === ts ? { ...existing, ...message } : existing));
    },
    async remove({ ts }) {
      await recordCall('remove');
      double.deleteMessage(ts);
    },
  };
  return Object.assign(double, { api });
}
