import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createFaults } from '../../../sandbox/faults.ts';
import { createSlack, type Slack } from '../../../sandbox/slack/slack.ts';
import { manualClock } from '../aws/manual-clock.ts';

// biome-ignore lint/suspicious/noExplicitAny: responses and payloads are JSON of many shapes.
type Json = any;

export const channel = 'C01APPROVALS';
export const alice = { user: 'U01ALICE', team: 'T01LOCAL' };

/** A Slack workspace with a manual clock. */
export function createTestSlack({ isThrottled = true, origin = 'http://sandbox' } = {}) {
  const clock = manualClock();
  const faults = createFaults(() => 0);
  const slack = createSlack({ origin, clock, faults, isThrottled: () => isThrottled });
  const { botToken } = slack.credentials;

  async function ask(method: string, path: string, body?: object) {
    const response = await slack.handle(
      new Request(`${origin}${path}`, {
        method,
        headers: { 'content-type': 'application/json' },
        ...(body && { body: JSON.stringify(body) }),
      }),
    );
    const json: Json = await response.json();
    return { status: response.status, json };
  }

  /** Calls the Web API with the app's token. */
  async function call(method: string, input: object, token: string = botToken) {
    const response = await slack.handle(
      new Request(`${origin}/slack/api/${method}`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json; charset=utf-8' },
        body: JSON.stringify(input),
      }),
    );
    const json: Json = await response.json();
    return { status: response.status, headers: response.headers, json };
  }

  return { slack, clock, faults, ask, call };
}

/** Listens on a free port. @returns the URL and a function that closes the server */
export async function listen(listener: RequestListener): Promise<{ url: string; close(): void }> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

export interface ReceivedRequest {
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: string;
  /** The payload of the form, if there is one. */
  readonly payload: Json;
}

/** An app with a scripted response that records requests. */
export async function createTestApp(slack: Slack, answer: (received: ReceivedRequest) => unknown = () => '') {
  const received: ReceivedRequest[] = [];
  const { url, close } = await listen(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    const payload = JSON.parse(new URLSearchParams(body).get('payload') ?? '{}');
    const one = { headers: request.headers, body, payload };
    received.push(one);
    const result = await answer(one);
    if (typeof result === 'number') response.writeHead(result).end();
    else response.end(typeof result === 'string' ? result : JSON.stringify(result ?? ''));
  });
  slack.setRequestUrl(url);
  return { received, close };
}

export const section = (text: string) => ({ type: 'section', text: { type: 'mrkdwn', text } });
export const button = (text: string, action_id: string, value: string, more: object = {}) => ({
  type: 'button',
  text: { type: 'plain_text', text },
  action_id,
  value,
  ...more,
});
