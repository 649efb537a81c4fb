import * as v from 'valibot';
import type { Bucket } from '../token-bucket.ts';
import type { Content, Messages } from './messages.ts';
import { viewPayload } from './payloads.ts';
import { BlockError, readBlocks, readView } from './read-blocks.ts';
import { SlackApiError } from './slack-error.ts';
import type { Views } from './views.ts';
import { app, findChannel } from './workspace.ts';

export interface Method {
  readonly bucket: Bucket;
  /** Returns the key of the bucket; default: one bucket for the workspace. */
  readonly bucketKey?: (input: Readonly<Record<string, unknown>>) => string;
  /** Throws `SlackApiError`. */
  readonly call: (input: unknown) => object;
}

const perMinute = (count: number): Bucket => ({ capacity: count, refillPerSecond: count / 60 });
const tier3 = perMinute(50);
const tier4 = perMinute(100);
/** One message per second; Slack does not document the burst. */
const posting: Bucket = { capacity: 5, refillPerSecond: 1 };

const maxTextLength = { post: 40_000, update: 4_000 } as const;
/** The limit for all blocks of a message as JSON; not documented, see bolt-js issues 2509 and 2867. */
const maxBlocksLength = 13_200;
const maxViewBytes = 250_000;

const content = { text: v.string(), blocks: v.optional(v.unknown()) };
const MessageRef = v.object({ channel: v.string(), ts: v.string() });
const PostMessage = v.object({ ...content, channel: v.string(), thread_ts: v.optional(v.string()) });
const Update = v.object({ ...content, ...MessageRef.entries });
const OpenModal = v.object({ trigger_id: v.string(), view: v.unknown() });

/** The methods of Slack's Web API that linkgate calls, with Slack's limits and errors. */
export function webApiMethods({
  messages,
  views,
}: {
  readonly messages: Messages;
  readonly views: Views;
}): Readonly<Record<string, Method>> {
  function requireMessage(channel: string, ts: string) {
    requireChannel(channel);
    // The Web API cannot find an ephemeral message.
    if (!messages.find(channel, ts) || messages.isEphemeral(channel, ts))
      throw new SlackApiError('message_not_found');
  }

  return {
    'auth.test': {
      bucket: tier4,
      call: () => ({ url: 'https://local.slack.com/', team_id: app.team, user_id: app.botUser }),
    },
    'chat.postMessage': {
      bucket: posting,
      bucketKey: ({ channel }) => String(channel),
      call(input) {
        const { channel, thread_ts: threadTs, ...unread } = parse(PostMessage, input);
        requireChannel(channel);
        const message = readContent(unread, maxTextLength.post);
        if (threadTs !== undefined && !messages.find(channel, threadTs))
          throw new SlackApiError('thread_not_found');
        const { ts } = messages.post({ channel, ...message, ...(threadTs !== undefined && { threadTs }) });
        return { channel, ts };
      },
    },
    'chat.update': {
      bucket: tier3,
      call(input) {
        const { channel, ts, ...unread } = parse(Update, input);
        requireMessage(channel, ts);
        messages.replace(channel, ts, readContent(unread, maxTextLength.update));
        return { channel, ts };
      },
    },
    'chat.delete': {
      bucket: tier3,
      call(input) {
        const { channel, ts } = parse(MessageRef, input);
        requireMessage(channel, ts);
        messages.remove(channel, ts);
        return { channel, ts };
      },
    },
    'views.open': {
      bucket: tier4,
      call(input) {
        const { trigger_id, view } = parse(OpenModal, input);
        return { view: viewPayload(views.open(trigger_id, parseView(view))) };
      },
    },
  };
}

function requireChannel(id: string) {
  if (!findChannel(id)) throw new SlackApiError('channel_not_found');
}

/** Without blocks an update removes the blocks of the message. */
function readContent(
  { text, blocks }: { readonly text: string; readonly blocks?: unknown },
  maxLength: number,
): Content {
  if (text === '') throw new SlackApiError('no_text');
  if (text.length > maxLength) throw new SlackApiError('msg_too_long');
  if (blocks === undefined) return { text };
  const parsedBlocks = withSlackError('invalid_blocks', () => readBlocks(blocks));
  if (JSON.stringify(blocks).length > maxBlocksLength) throw new SlackApiError('msg_blocks_too_long');
  return { text, blocks: parsedBlocks };
}

function parseView(view: unknown) {
  if (Buffer.byteLength(JSON.stringify(view) ?? '') > maxViewBytes) throw new SlackApiError('view_too_large');
  return withSlackError('invalid_arguments', () => readView(view));
}

function withSlackError<T>(refusal: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof BlockError) throw new SlackApiError(refusal, error.problems);
    throw error;
  }
}

function parse<S extends v.GenericSchema>(schema: S, input: unknown): v.InferOutput<S> {
  const { success, output, issues } = v.safeParse(schema, input);
  if (success) return output;
  throw new SlackApiError(
    'invalid_arguments',
    issues.map((issue) => `${issue.message} [json-pointer:/${v.getDotPath(issue) ?? ''}]`),
  );
}
