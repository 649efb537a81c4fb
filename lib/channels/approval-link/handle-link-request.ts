import * as v from 'valibot';
import { UnreadableItemError } from '../../storage/entity.ts';
import { type HandleLinkDeps, handleLink } from './handle-link.ts';
import { pageHeaders, renderPage } from './html.ts';
import { httpStatus } from './page-result.ts';
import { internalErrorPage, unreadableItemPage } from './result-pages.ts';

/** The fields of an API Gateway request (payload format 2.0) that linkgate reads. */
const LinkRequestEvent = v.object({
  rawQueryString: v.optional(v.string(), ''),
  body: v.optional(v.string(), ''),
  isBase64Encoded: v.optional(v.boolean(), false),
  requestContext: v.object({ http: v.object({ method: v.string() }) }),
});
type LinkRequestEvent = v.InferOutput<typeof LinkRequestEvent>;

/** Returns a page in every case. `logFields` excludes the token, which authorizes a decision. */
export async function handleLinkRequest(event: unknown, deps: HandleLinkDeps) {
  const request = v.parse(LinkRequestEvent, event);
  const { method } = request.requestContext.http;
  const token = new URLSearchParams(request.rawQueryString).get('token') ?? '';
  const entered = method === 'POST' ? parseFormBody(request) : undefined;
  const result = handleLink(token, entered, deps).catch((error) => {
    deps.reportError(error, 'handle approval link');
    return error instanceof UnreadableItemError ? unreadableItemPage(error) : internalErrorPage();
  });
  const { outcome, page, claims } = await result;
  return {
    response: {
      statusCode: httpStatus[outcome],
      headers: pageHeaders,
      body: method === 'HEAD' ? '' : renderPage(page),
    },
    logFields: { method, outcome, ...claims },
  };
}

/** In characters. The page repeats the submitted values, and Lambda limits the size of a response. */
const maxFormLength = 100_000;

function parseFormBody({ body, isBase64Encoded }: LinkRequestEvent): Record<string, string> {
  const text = isBase64Encoded ? Buffer.from(body, 'base64').toString('utf8') : body;
  return Object.fromEntries(new URLSearchParams(text.slice(0, maxFormLength)));
}
