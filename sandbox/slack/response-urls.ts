import { randomBytes } from 'node:crypto';
import * as v from 'valibot';
import type { Clock } from '../clock.ts';
import { inMemory, type OpenMap } from '../persistence.ts';
import type { Messages } from './messages.ts';
import { BlockError, readBlocks } from './read-blocks.ts';
import { SlackApiError } from './slack-error.ts';

/** The user, channel and message of a response URL. */
interface ResponseTarget {
  readonly user: string;
  readonly team: string;
  readonly channel: string;
  /** The ts of the clicked message. */
  readonly ts?: string;
}

interface ResponseUrl extends ResponseTarget {
  readonly uses: number;
  readonly expiresAt: number;
}

export interface ResponseUrls {
  /** Creates a response URL and returns its id. */
  create(target: ResponseTarget): string;
  url(id: string): string;
  /** Handles a POST to the URL. @throws SlackApiError */
  handleResponse(id: string, body: unknown): void;
  /** Handles the body of a command's response, which uses no URL. @throws SlackApiError */
  show(id: string, body: unknown): void;
}

const maxUses = 5;
const lifetimeMs = 30 * 60_000;

/** Apps send these flags as strings too. */
const flag = v.optional(
  v.union([
    v.boolean(),
    v.pipe(
      v.picklist(['true', 'false']),
      v.transform((text) => text === 'true'),
    ),
  ]),
  false,
);
const ResponseMessage = v.object({
  response_type: v.optional(v.picklist(['ephemeral', 'in_channel']), 'ephemeral'),
  text: v.optional(v.string()),
  blocks: v.optional(v.unknown()),
  replace_original: flag,
  delete_original: flag,
  thread_ts: v.optional(v.string()),
});

/** https://docs.slack.dev/interactivity/handling-user-interaction */
export function createResponseUrls({
  clock,
  messages,
  address,
  openMap = inMemory,
}: {
  clock: Clock;
  messages: Messages;
  /** The URL prefix. */
  address: string;
  openMap?: OpenMap;
}): ResponseUrls {
  const urls = openMap<ResponseUrl>('slack/response-urls');

  function use(id: string): ResponseUrl {
    const url = urls.get(id);
    if (!url) throw new SlackApiError('no_such_url');
    if (url.expiresAt < clock.now()) throw new SlackApiError('expired_url');
    if (url.uses >= maxUses) throw new SlackApiError('used_url');
    urls.set(id, { ...url, uses: url.uses + 1 });
    return url;
  }

  function show(id: string, { user, team, channel, ts = '' }: ResponseTarget, body: unknown) {
    const parsed = v.safeParse(ResponseMessage, body);
    if (!parsed.success) throw new SlackApiError('invalid_payload');
    const { response_type, replace_original, delete_original, thread_ts, ...unparsedContent } = parsed.output;
    if (delete_original) return messages.remove(channel, ts);
    const content = toContent(unparsedContent);
    if (replace_original && messages.find(channel, ts)) return void messages.replace(channel, ts, content);
    messages.post({
      ...content,
      channel,
      ...(thread_ts !== undefined && { threadTs: thread_ts }),
      ...(response_type === 'ephemeral' && { onlyFor: { user, team, responseId: id } }),
    });
  }

  return {
    create(target) {
      const id = randomBytes(12).toString('hex');
      urls.set(id, { ...target, uses: 0, expiresAt: clock.now() + lifetimeMs });
      return id;
    },
    url: (id) => `${address}/${id}`,
    handleResponse: (id, body) => show(id, use(id), body),
    show(id, body) {
      const url = urls.get(id);
      if (!url) throw new SlackApiError('no_such_url');
      show(id, url, body);
    },
  };
}

function toContent({ text, blocks }: { text?: string | undefined; blocks?: unknown }) {
  if (text === undefined && blocks === undefined) throw new SlackApiError('no_text');
  try {
    return { text: text ?? '', ...(blocks !== undefined && { blocks: readBlocks(blocks) }) };
  } catch (error) {
    if (error instanceof BlockError) throw new SlackApiError('invalid_blocks', error.problems);
    throw error;
  }
}
