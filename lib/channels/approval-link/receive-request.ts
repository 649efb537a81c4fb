import * as v from 'valibot';
import { UnreadableItemError } from '../../storage/entity.ts';
import { handleLink, type LinkDeps } from './handle-link.ts';
import { pageHeaders, render } from './page.ts';
import { httpStatus, type PageResult } from './page-result.ts';
import { malformedLinkPage, unreadable } from './result-pages.ts';

/** What API Gateway says of a request (payload format 2.0), and linkgate reads. */
const LinkEvent = v.object({
  rawQueryString: v.optional(v.string(), ''),
  body: v.optional(v.string(), ''),
  isBase64Encoded: v.optional(v.boolean(), false),
  requestContext: v.object({ http: v.object({ method: v.string() }) }),
});
type LinkEvent = v.InferOutput<typeof LinkEvent>;

/** Answers with a page, whatever is sent; `told` is for the log, and has nothing of the token, which is its owner's word. */
export async function handleLinkRequest(event: unknown, deps: LinkDeps) {
  const sent = v.parse(LinkEvent, event);
  const { method } = sent.requestContext.http;
  const token = new URLSearchParams(sent.rawQueryString).get('token') ?? '';
  const entered = method === 'POST' ? formIn(sent) : undefined;
  const answered = handleLink(token, entered, deps).catch((error) => {
    deps.reportError(error);
    return failure(error);
  });
  const { outcome, page, claims } = await answered;
  return {
    response: {
      statusCode: httpStatus[outcome],
      headers: pageHeaders,
      body: method === 'HEAD' ? '' : render(page),
    },
    told: { method, outcome, ...claims },
  };
}

function failure(error: unknown): PageResult {
  return error instanceof UnreadableItemError
    ? { outcome: 'unreadable', page: unreadable(error) }
    : { outcome: 'broken', page: malformedLinkPage() };
}

/** In characters: no form that a person has filled in is longer, and what is sent back with the page has to fit into an answer. */
const longestForm = 100_000;

function formIn({ body, isBase64Encoded }: LinkEvent): Record<string, string> {
  const text = isBase64Encoded ? Buffer.from(body, 'base64').toString('utf8') : body;
  return Object.fromEntries(new URLSearchParams(text.slice(0, longestForm)));
}
