import { readFile } from 'node:fs/promises';
import { type Context, Hono } from 'hono';
import * as v from 'valibot';
import { InputError } from './inputs.ts';
import { Click, Command, type createInteractions, NotFoundError, Submission } from './interactions.ts';
import type { Messages } from './messages.ts';
import { modalHtml, pageFiles, pageHtml, timelineHtml, type Viewer } from './page/page.ts';
import type { ResponseUrls } from './response-urls.ts';
import { SlackApiError } from './slack-error.ts';
import type { Views } from './views.ts';
import { type createWebApi, toErrorBody } from './web-api.ts';
import { type Channel, channels, findChannel, type User, users } from './workspace.ts';

export interface RoutesOptions {
  readonly webApi: ReturnType<typeof createWebApi>;
  readonly messages: Messages;
  readonly views: Views;
  readonly responseUrls: ResponseUrls;
  readonly interactions: ReturnType<typeof createInteractions>;
}

const UnknownRecord = v.record(v.string(), v.unknown());
const Dismissal = v.object({ channel: v.string(), ts: v.string() });

/** The routes of Slack's API, and those by which people and tests act as its users. */
export function slackRoutes(options: RoutesOptions): Hono {
  const { webApi, messages, views, responseUrls, interactions } = options;
  const routes = new Hono();

  routes.post('/slack/api/:method', async (c) => {
    const token = /^Bearer (.+)$/.exec(c.req.header('authorization') ?? '')?.[1];
    const input = await readJson(c);
    const { status, headers, json } = await webApi({ method: c.req.param('method'), token, input });
    return Response.json(json, { status, headers });
  });

  routes.post('/slack/response/:id', async (c) => {
    try {
      responseUrls.handleResponse(c.req.param('id'), await readJson(c));
      return c.json({ ok: true });
    } catch (error) {
      if (error instanceof SlackApiError) return c.json(toErrorBody(error), 404);
      throw error;
    }
  });

  routes.get('/slack/messages', (c) => {
    const { channel = '', thread_ts } = c.req.query();
    if (!findChannel(channel)) return c.json({ error: `no channel \`${channel}\``, there: channels }, 404);
    const listed =
      thread_ts === undefined ? messages.inChannel(channel) : messages.replies(channel, thread_ts);
    return c.json({ messages: listed });
  });

  routes.post('/slack/click', async (c) => c.json(await interactions.click(await parseBody(c, Click))));
  routes.post('/slack/submit', async (c) =>
    c.json(await interactions.submit(await parseBody(c, Submission))),
  );
  routes.post('/slack/command', async (c) => c.json(await interactions.command(await parseBody(c, Command))));

  routes.get('/slack', (c) => {
    const viewer = readViewer(c);
    c.header('content-security-policy', "default-src 'self'; img-src data:; frame-ancestors 'none'");
    return c.html(pageHtml(viewer, timelineHtml(viewer, messages)));
  });
  routes.get('/slack/timeline', (c) => c.html(timelineHtml(readViewer(c), messages)));
  routes.get('/slack/modal', (c) => {
    const view = views.find(c.req.query('view_id') ?? '');
    return view ? c.html(modalHtml(view)) : c.notFound();
  });
  routes.post('/slack/dismiss', async (c) => {
    const { channel, ts } = await parseBody(c, Dismissal);
    if (messages.isEphemeral(channel, ts)) messages.remove(channel, ts);
    return c.json({});
  });
  for (const [name, type] of Object.entries(files))
    routes.get(`${pageFiles}/${name}`, async (c) => {
      const text = await readFile(new URL(`page/${name}`, import.meta.url), 'utf8');
      return c.body(text, 200, { 'content-type': `${type}; charset=utf-8` });
    });

  routes.notFound((c) => c.json({ error: `there is no ${c.req.method} ${c.req.path}` }, 404));
  routes.onError((error, c) => {
    if (error instanceof NotFoundError) return c.json({ error: error.message, there: error.existing }, 404);
    if (error instanceof InputError) return c.json({ error: error.message }, 400);
    throw error;
  });
  return routes;
}

const files = { 'page.js': 'text/javascript', 'page.css': 'text/css' };

/** Reads user and channel of the query; default: Alice in the approvals channel. */
function readViewer(c: Context): Viewer {
  const { channel, user = '' } = c.req.query();
  const viewer = users.find(({ id }) => id === user) ?? (users[0] as User);
  const visibleChannels = channels.filter(({ teams }) => teams.includes(viewer.team));
  return {
    channel: visibleChannels.find(({ id }) => id === channel) ?? (visibleChannels[0] as Channel),
    user: viewer,
  };
}

/** @throws InputError */
async function parseBody<S extends v.GenericSchema>(c: Context, schema: S): Promise<v.InferOutput<S>> {
  const body = await c.req.json().catch(() => {
    throw new InputError('the body is not JSON');
  });
  const { success, output, issues } = v.safeParse(schema, body);
  if (success) return output;
  throw new InputError(`${v.getDotPath(issues[0]) ?? 'the body'}: ${issues[0].message}`);
}

/** Returns undefined if the body is no JSON object. */
async function readJson(c: Context): Promise<Record<string, unknown> | undefined> {
  const body: unknown = await c.req.json().catch(() => undefined);
  return v.is(UnknownRecord, body) ? body : undefined;
}
