import { describe, expect, test } from '@jest/globals';
import { isResponseUrl, slackRespond } from '../../../lib/channels/slack/respond.ts';

const commercial = 'https://slack.com/api';
const gov = 'https://slack-gov.com/api';
const sandbox = 'http://127.0.0.1:4570/slack/api';

test.each([
  [commercial, 'https://hooks.slack.com/actions/T1/1/x', true],
  [commercial, 'https://hooks.slack-gov.com/actions/T1/1/x', false],
  [gov, 'https://hooks.slack-gov.com/actions/T1/1/x', true],
  [gov, 'https://hooks.slack.com/actions/T1/1/x', false],
  [sandbox, 'http://127.0.0.1:4570/slack/response/1', true],
  [sandbox, 'http://127.0.0.1:4571/slack/response/1', false],
  [sandbox, 'https://hooks.slack.com/actions/T1/1/x', false],
  [commercial, 'http://hooks.slack.com/actions/T1/1/x', false],
  [commercial, 'https://hooks.slack.com.evil.example/', false],
  [commercial, 'https://hooks.slack.com:8443/', false],
  [commercial, 'https://user@hooks.slack.com/', false],
  [commercial, 'https://evil.example/?hooks.slack.com', false],
  [commercial, 'http://169.254.169.254/latest/meta-data', false],
  [commercial, 'not an address', false],
])('with the API at %s, linkgate posts to the response_url %s: %s', (apiUrl, url, isSent) => {
  expect(isResponseUrl(url, apiUrl)).toBe(isSent);
});

describe('the reply to a click', () => {
  async function respondTo(url: string, reply: () => Promise<Response>) {
    const requests: { url: string; body: unknown; redirect: unknown }[] = [];
    const errors: unknown[] = [];
    const respond = slackRespond({
      apiUrl: commercial,
      timeoutMs: 1_000,
      reportError: (error) => void errors.push(error),
      fetch(address, init) {
        const { body, redirect } = init ?? {};
        requests.push({ url: String(address), body: JSON.parse(String(body)), redirect });
        return reply();
      },
    });
    await respond(url, { text: 'You approved the request.' });
    return { requests, errors };
  }
  const url = 'https://hooks.slack.com/actions/T1/1/x';

  test('is ephemeral and does not replace the message', async () => {
    const { requests, errors } = await respondTo(url, async () => new Response('ok'));
    expect(requests).toEqual([
      {
        url,
        redirect: 'error',
        body: { response_type: 'ephemeral', replace_original: false, text: 'You approved the request.' },
      },
    ]);
    expect(errors).toEqual([]);
  });

  test.each([
    ['Slack answers 404', url, async () => new Response('', { status: 404 })],
    ['the network request fails', url, async () => Promise.reject(new TypeError('fetch failed'))],
    ['its response_url is not a URL of Slack', 'https://evil.example/', async () => new Response('ok')],
  ])('is reported as an error if %s', async (_, address, reply) => {
    expect((await respondTo(address, reply)).errors).toHaveLength(1);
  });
});
