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
export function createTestSlack({ isThrottled = true } = {}) {
  const origin = 'http://sandbox';
  const clock = manualClock();
  const faults = createFaults(() => 0);
  const slack = createSlack({ origin, clock, faults, isThrottled: () => isThrottled });
  const { botToken } = slack.credentials;

  async function send(path: string, method: string, body?: object, headers: Record<string, string> = {}) {
    const init = { method, headers, ...(body && { body: JSON.stringify(body) }) };
    const response = await slack.handle(new Request(`${origin}${path}`, init));
    const json: Json = await response.json();
    return { status: response.status, headers: response.headers, json };
  }

  const ask = (method: string, path: string, body?: object) => send(path, method, body);
  /** Calls the Web API with the app's token. */
  const call = (method: string, input: object, token: string = botToken) =>
    send(`/slack/api/${method}`, 'POST', input, { authorization: `Bearer ${token}` });
  /** Lists the channel's messages. */
  const list = async (query = '') =>
    (await send(`/slack/messages?channel=${channel}${query}`, 'GET')).json.messages;

  return { slack, clock, faults, ask, call, list };
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

export const plain = (text: string) => ({ type: 'plain_text', text });
export const section = (text: string) => ({ type: 'section', text: { type: 'mrkdwn', text } });
export const actions = (...elements: object[]) => ({ type: 'actions', block_id: 'request', elements });
export const button = (text: string, action_id: string, value: string, more: object = {}) => ({
  type: 'button',
  text: plain(text),
  action_id,
  value,
  ...more,
});
export const option = (value: string) => ({ text: plain(value), value });
/** Selects the first value. */
export const select = (action_id: string, ...values: string[]) => ({
  type: 'static_select',
  action_id,
  options: values.map(option),
  initial_option: option(values[0] ?? ''),
});
/** A required field for a reason of ten characters. */
export const textField = (block_id = 'reason') => ({
  type: 'input',
  block_id,
  label: plain('Reason'),
  element: { type: 'plain_text_input', action_id: 'reason', max_length: 10 },
});
export const aModal = (title: string, ...blocks: object[]) => ({
  type: 'modal',
  title: plain(title),
  submit: plain('Deny it'),
  close: plain('Cancel'),
  private_metadata: 'vpce-1',
  blocks,
});
