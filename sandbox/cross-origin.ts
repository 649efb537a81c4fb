import type { IncomingMessage } from 'node:http';

/** The names of the loopback interface: any other name in `Host` may be one that a web page had resolved to this machine. */
const loopbackHosts = /^(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d+)?$/i;

/**
 * Why a request is refused that a web page of somebody else's may have sent; undefined where none did.
 * AWS clients and curl send neither `Origin` nor `Sec-Fetch-Site`, and a page cannot keep its browser from sending them.
 */
export function crossOriginError(request: Pick<IncomingMessage, 'method' | 'url' | 'headers'>) {
  const { host = '', origin, 'sec-fetch-site': site } = request.headers;
  if (!loopbackHosts.test(host))
    return `The sandbox answers to loopback names alone, such as 127.0.0.1 and localhost, and not to \`${host}\``;
  if (!isChangingRequest(request)) return undefined;
  if (site !== undefined && site !== 'same-origin' && site !== 'none')
    return `The sandbox lets no page of another origin change anything (Sec-Fetch-Site: ${site})`;
  // A page without a referrer, as those of approval links are, sends its forms with the origin `null`.
  const isOwn = origin === `http://${host}` || (origin === 'null' && site === 'same-origin');
  if (origin !== undefined && !isOwn)
    return `The sandbox lets no page of another origin change anything (Origin: ${origin})`;
  return undefined;
}

/** A link in a mail of SNS and a method of Slack's Web API change something by GET too. */
function isChangingRequest({ method = '', url = '' }: Pick<IncomingMessage, 'method' | 'url'>): boolean {
  return !['GET', 'HEAD'].includes(method) || /^\/(\?Action=|slack\/api\/)/.test(url);
}
