import { randomBytes } from 'node:crypto';
import * as v from 'valibot';
import type { Clock } from '../clock.ts';
import { inMemory, type OpenMap } from '../persistence.ts';
import type { Messages } from './messages.ts';
import { SlackApiError } from './slack-error.ts';
import type { Person } from './workspace.ts';

/** The user and the channel of a response URL. */
interface ResponseTarget extends Person {
  readonly channel: string;
}

interface ResponseUrl extends ResponseTarget {
  readonly uses: number;
  readonly expiresAt: number;
}

export type ResponseUrls = ReturnType<typeof createResponseUrls>;

const maxUses = 5;
const lifetimeMs = 30 * 60_000;

/** linkgate sends ephemeral text only. */
const Response = v.strictObject({
  response_type: v.literal('ephemeral'),
  replace_original: v.optional(v.literal(false)),
  text: v.pipe(v.string(), v.nonEmpty()),
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

  function find(id: string): ResponseUrl {
    const url = urls.get(id);
    if (!url) throw new SlackApiError('no_such_url');
    return url;
  }

  /** Handles the body of a command's response, which uses no URL. @throws SlackApiError */
  function show(id: string, body: unknown) {
    const { user, team, channel } = find(id);
    const { success, output } = v.safeParse(Response, body);
    if (!success) throw new SlackApiError('invalid_payload');
    messages.post({ channel, text: output.text, onlyFor: { user, team, responseId: id } });
  }

  return {
    /** Creates a response URL and returns its id. */
    create(target: ResponseTarget): string {
      const id = randomBytes(12).toString('hex');
      urls.set(id, { ...target, uses: 0, expiresAt: clock.now() + lifetimeMs });
      return id;
    },
    url: (id: string): string => `${address}/${id}`,
    /** Handles a POST to the URL. @throws SlackApiError */
    handleResponse(id: string, body: unknown): void {
      const url = find(id);
      if (url.expiresAt < clock.now()) throw new SlackApiError('expired_url');
      if (url.uses >= maxUses) throw new SlackApiError('used_url');
      urls.set(id, { ...url, uses: url.uses + 1 });
      show(id, body);
    },
    show,
  };
}
