import { createHmac } from 'node:crypto';
import type { Clock } from '../clock.ts';

export interface Reply {
  /** Absent if the app does not respond in time. */
  readonly status?: number;
  /** The error that Slack shows to its user. */
  readonly error?: string;
  readonly body: string;
}

/** The time that Slack waits for a response. */
const timeoutMs = 3000;

interface AppRequestsOptions {
  readonly clock: Clock;
  readonly signingSecret: string;
  /** The app's request URL. */
  readonly requestUrl: () => string;
}

/** Sends forms to the app, signed as Slack signs them: https://docs.slack.dev/authentication/verifying-requests-from-slack */
export function createAppRequests({ clock, signingSecret, requestUrl }: AppRequestsOptions) {
  return async (fields: Readonly<Record<string, string>>): Promise<Reply> => {
    const body = new URLSearchParams(fields).toString();
    const timestamp = String(Math.floor(clock.now() / 1000));
    const signature = createHmac('sha256', signingSecret).update(`v0:${timestamp}:${body}`).digest('hex');
    try {
      const response = await fetch(requestUrl(), {
        method: 'POST',
        headers: {
          'content-type': 'application/x-www-form-urlencoded',
          'x-slack-request-timestamp': timestamp,
          'x-slack-signature': `v0=${signature}`,
        },
        body,
        signal: AbortSignal.timeout(timeoutMs),
      });
      const reply = { status: response.status, body: await response.text() };
      return response.status === 200 ? reply : { ...reply, error: 'http_service_error' };
    } catch (error) {
      const isTimeout = error instanceof Error && error.name === 'TimeoutError';
      return { error: isTimeout ? 'operation_timeout' : 'dispatch_failed', body: '' };
    }
  };
}
