import * as v from 'valibot';
import { UnreadableItemError } from '../../storage/entity.ts';
import { type HandleLinkDeps, handleLink } from './handle-link.ts';
import { pageHeaders, renderPage } from './html.ts';
import { httpStatus, type PageResult } from './page-result.ts';
import { internalErrorPage, unreadableItemPage } from './result-pages.ts';

/** What API Gateway says of a request (payload format 2.0), and linkgate reads. */
const LinkRequestEvent = v.object({
  rawQueryString: v.optional(v.string(), ''),
  body: v.optional(v.string(), ''),
  isBase64Encoded: v.optional(v.boolean(), false),
  requestContext: v.object({ http: v.object({ method: v.string() }) }),
});
type LinkRequestEvent = v.InferOutput<typeof LinkRequestEvent>;

/** Answers with a page, whatever is sent; `told` is for the log, and has nothing of the token, which is its owner's word. */
export async function handleLinkRequest(event: unknown, deps: HandleLinkDeps) {
  const sent = v.parse(LinkRequestEvent, event);
  const { method } = sent.requestContext.http;
  const token = new URLSearchParams(sent.rawQueryString).get('token') ?? '';
  const entered = method === 'POST' ? parseFormBody(sent) : undefined;
  const answered = handleLink(token, entered, deps).catch((error) => {
    deps.reportError(error);
    return toErrorPage(error);
  });
  const { outcome, page, claims } = await answered;
  return {
    response: {
      statusCode: httpStatus[outcome],
      headers: pageHeaders,
      body: method === 'HEAD' ? '' : renderPage(page),
    },
    told: { method, outcome, ...claims },
  };
}

function toErrorPage(error: unknown): PageResult {
  return error instanceof UnreadableItemError
    ? { outcome: 'unreadable', page: unreadableItemPage(error) }
    : { outcome: 'broken', page: internalErrorPage() };
}

/** In characters: no form that a person has filled in is longer, and what is sent back with the page has to fit into an answer. */
const maxFormLength = 100_000;

function parseFormBody({ body, isBase64Encoded }: LinkRequestEvent): Record<string, string> {
  const text = isBase64Encoded ? Buffer.from(body, 'base64').toString('utf8') : body;
  return Object.fromEntries(new URLSearchParams(text.slice(0, maxFormLength)));
}
