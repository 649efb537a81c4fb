import type { Runtime } from '../../runtime/runtime.ts';

/** A message that only the author of the click sees. */
export interface Ephemeral {
  readonly text: string;
}

/** Posts to the `response_url`. Never throws: a stored decision stays valid without the reply. */
export type Respond = (responseUrl: string, answer: Ephemeral) => Promise<void>;

/** Checks the host of the `response_url`, because the request supplies it and linkgate posts only to Slack. */
export function isResponseUrl(candidate: string, apiUrl: string): boolean {
  if (!URL.canParse(candidate)) return false;
  const [{ protocol, host, username, password, origin }, api] = [new URL(candidate), new URL(apiUrl)];
  const webhookHost = webhookHosts.get(api.hostname);
  if (webhookHost === undefined) return origin === api.origin;
  return protocol === 'https:' && host === webhookHost && username === '' && password === '';
}

const webhookHosts: ReadonlyMap<string, string> = new Map([
  ['slack.com', 'hooks.slack.com'],
  ['slack-gov.com', 'hooks.slack-gov.com'],
]);

interface SlackRespondOptions {
  readonly apiUrl: string;
  readonly fetch: typeof fetch;
  readonly timeoutMs: number;
  readonly reportError: Runtime['reportError'];
}

export function slackRespond({ apiUrl, fetch, timeoutMs, reportError }: SlackRespondOptions): Respond {
  const operation = 'post Slack response';
  return async (responseUrl, answer) => {
    if (!isResponseUrl(responseUrl, apiUrl)) {
      reportError(new Error('the `response_url` is not an address of Slack'), operation);
      return;
    }
    try {
      const response = await fetch(responseUrl, {
        method: 'POST',
        headers: { 'content-type': 'application/json; charset=utf-8' },
        body: JSON.stringify({ response_type: 'ephemeral', replace_original: false, ...answer }),
        redirect: 'error',
        signal: AbortSignal.timeout(timeoutMs),
      });
      if (!response.ok)
        reportError(
          new Error(`Slack returned ${response.status} for a post to the \`response_url\``),
          operation,
        );
    } catch (error) {
      reportError(error, operation);
    }
  };
}
