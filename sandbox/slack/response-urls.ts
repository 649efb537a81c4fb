import { randomBytes } from 'node:crypto';
import * as v from 'valibot';
import type { Clock } from '../clock.ts';
import { inMemory, type OpenMap } from '../persistence.ts';
import type { Messages } from './messages.ts';
import { BlockError, readBlocks } from './read-blocks.ts';
import { SlackApiError } from './slack-error.ts';

/** The user and the channel of a response URL. */
interface ResponseTarget {
  readonly user: string;
  readonly team: string;
  readonly channel: string;
}

interface ResponseUrl extends ResponseTarget {
  readonly uses: number;
  readonly expiresAt: number;
}

export type ResponseUrls = ReturnType<typeof createResponseUrls>;

const maxUses = 5;
const lifetimeMs = 30 * 60_000;

/** linkgate sends only ephemeral messages that replace nothing. */
const ResponseMessage = v.object({
  response_type: v.optional(v.literal('ephemeral')),
  replace_original: v.optional(v.literal(false)),
  text: v.string(),
  blocks: v.optional(v.unknown()),
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
}) {
  const urls = openMap<ResponseUrl>('slack/response-urls');

  function requireUse(id: string) {
    const url = urls.get(id);
    if (!url) throw new SlackApiError('no_such_url');
    if (url.expiresAt < clock.now()) throw new SlackApiError('expired_url');
    if (url.uses >= maxUses) throw new SlackApiError('used_url');
    urls.set(id, { ...url, uses: url.uses + 1 });
  }

  /** Shows the message to the user alone. Slack shows the body of a command's response in the same way. */
  function show(id: string, body: unknown) {
    const url = urls.get(id);
    if (!url) throw new SlackApiError('no_such_url');
    const { success, output } = v.safeParse(ResponseMessage, body);
    if (!success) throw new SlackApiError('invalid_payload');
    const { user, team, channel } = url;
    const { text, blocks } = output;
    messages.post({
      channel,
      text,
      ...(blocks !== undefined && { blocks: parseBlocks(blocks) }),
      onlyFor: { user, team, responseId: id },
    });
  }

  return {
    /** Creates a response URL and returns its id. */
    create(target: ResponseTarget): string {
      const id = randomBytes(12).toString('hex');
      urls.set(id, { ...target, uses: 0, expiresAt: clock.now() + lifetimeMs });
      return id;
    },
    url: (id: string) => `${address}/${id}`,
    /** Handles a POST to the URL. @throws SlackApiError */
    handleResponse(id: string, body: unknown) {
      requireUse(id);
      show(id, body);
    },
    show,
  };
}

function parseBlocks(blocks: unknown) {
  try {
    return readBlocks(blocks);
  } catch (error) {
    if (error instanceof BlockError) throw new SlackApiError('invalid_blocks', error.problems);
    throw error;
  }
}
