import type { IncomingMessage } from 'node:http';

/** The names of the loopback interface. Any other `Host` may be a DNS rebinding attack by a web page. */
const loopbackHosts = /^(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d+)?$/i;

/**
 * Returns the reason to refuse a request that a foreign web page may have sent; undefined otherwise.
 * Browsers always send `Origin` or `Sec-Fetch-Site`; AWS clients and curl send neither.
 */
export function crossOriginError(request: Pick<IncomingMessage, 'method' | 'url' | 'headers'>) {
  const { host = '', origin, 'sec-fetch-site': site } = request.headers;
  if (!loopbackHosts.test(host))
    return `The sandbox accepts only loopback names such as 127.0.0.1 and localhost, not \`${host}\``;
  if (!isChangingRequest(request)) return undefined;
  if (site !== undefined && site !== 'same-origin' && site !== 'none')
    return `The sandbox refuses changes by a page of another origin (Sec-Fetch-Site: ${site})`;
  // A page without a referrer, like the page of an approval link, sends its forms with the origin `null`.
  const isSameOrigin = origin === `http://${host}` || (origin === 'null' && site === 'same-origin');
  if (origin !== undefined && !isSameOrigin)
    return `The sandbox refuses changes by a page of another origin (Origin: ${origin})`;
  return undefined;
}

/** Links in SNS emails and methods of Slack's Web API change state by GET too. */
function isChangingRequest({ method = '', url = '' }: Pick<IncomingMessage, 'method' | 'url'>): boolean {
  return !['GET', 'HEAD'].includes(method) || /^\/(\?Action=|slack\/api\/)/.test(url);
}
