import { randomBytes } from 'node:crypto';
import * as v from 'valibot';
import type { Clock } from '../clock.ts';
import { drop, type Persisted } from '../persistence.ts';
import type { Messages } from './messages.ts';
import { BlockError, readBlocks } from './read-blocks.ts';
import { SlackRefusal } from './slack-error.ts';

/** Whom an interaction's response URL answers, and where. */
interface Answerable {
  readonly user: string;
  readonly team: string;
  readonly channel: string;
  /** Of the message that was clicked. */
  readonly ts?: string;
}

interface ResponseUrl extends Answerable {
  readonly uses: number;
  readonly expiresAt: number;
}

export interface ResponseUrls {
  /** The id of a new one. */
  create(answerable: Answerable): string;
  addressOf(id: string): string;
  /** What is posted to it. @throws SlackRefusal */
  answer(id: string, body: unknown): void;
  /** The same, where it comes with linkgate's answer to a command and uses no URL. @throws SlackRefusal */
  show(id: string, body: unknown): void;
}

const mostUses = 5;
const lastsMs = 30 * 60_000;

/** Apps write these as texts, too. */
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
const Answer = v.object({
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
  keep = drop,
}: {
  clock: Clock;
  messages: Messages;
  /** Where they begin. */
  address: string;
  keep?: Persisted;
}): ResponseUrls {
  const urls = keep<ResponseUrl>('slack/response-urls');

  function use(id: string): ResponseUrl {
    const url = urls.get(id);
    if (!url) throw new SlackRefusal('no_such_url');
    if (url.expiresAt < clock.now()) throw new SlackRefusal('expired_url');
    if (url.uses >= mostUses) throw new SlackRefusal('used_url');
    urls.set(id, { ...url, uses: url.uses + 1 });
    return url;
  }

  function show(id: string, { user, team, channel, ts = '' }: Answerable, body: unknown) {
    const parsed = v.safeParse(Answer, body);
    if (!parsed.success) throw new SlackRefusal('invalid_payload');
    const { response_type, replace_original, delete_original, thread_ts, ...said } = parsed.output;
    if (delete_original) return messages.remove(channel, ts);
    const content = contentOf(said);
    if (replace_original && messages.find(channel, ts)) return void messages.replace(channel, ts, content);
    messages.post({
      ...content,
      channel,
      ...(thread_ts !== undefined && { threadTs: thread_ts }),
      ...(response_type === 'ephemeral' && { onlyFor: { user, team, responseId: id } }),
    });
  }

  return {
    create(answerable) {
      const id = randomBytes(12).toString('hex');
      urls.set(id, { ...answerable, uses: 0, expiresAt: clock.now() + lastsMs });
      return id;
    },
    addressOf: (id) => `${address}/${id}`,
    answer: (id, body) => show(id, use(id), body),
    show(id, body) {
      const url = urls.get(id);
      if (!url) throw new SlackRefusal('no_such_url');
      show(id, url, body);
    },
  };
}

function contentOf({ text, blocks }: { text?: string | undefined; blocks?: unknown }) {
  if (text === undefined && blocks === undefined) throw new SlackRefusal('no_text');
  try {
    return { text: text ?? '', ...(blocks !== undefined && { blocks: readBlocks(blocks) }) };
  } catch (error) {
    if (error instanceof BlockError) throw new SlackRefusal('invalid_blocks', error.problems);
    throw error;
  }
}
