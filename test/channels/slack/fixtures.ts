import { createHmac } from 'node:crypto';
import type { ApprovalView } from '../../../lib/approvals/approval-view.ts';
import type { ApproverGroup } from '../../../lib/approvers/approver-group.ts';
import type { Block, ModalView } from '../../../lib/channels/slack/blocks.ts';
import {
  type HandleSlackRequestDeps,
  handleSlackRequest,
} from '../../../lib/channels/slack/handle-request.ts';
import type { Ephemeral } from '../../../lib/channels/slack/respond.ts';
import type { ApprovalRequest } from '../../../lib/connections/approval-request.ts';
import { cachedSecret } from '../../../lib/runtime/secret.ts';
import {
  aConnection,
  aRecord,
  aRequestNotification,
  aService,
  aVerdict,
  endpointId,
  noon,
} from '../../builders.ts';
import { createTestEnv } from '../../doubles/test-env.ts';

export const secret = 'a-signing-secret-of-slack';
export const homeTeam = 'T01LOCAL';
export const requestMessageId = { channel: 'C01APPROVALS', ts: '1795262400.000100' };
export const responseUrl = 'https://hooks.slack.com/actions/T01LOCAL/1/x';

export const group: ApproverGroup = {
  name: 'default',
  quorum: 1,
  slackChannel: requestMessageId.channel,
  slackUsers: [
    { team: homeTeam, user: 'U01ALICE' },
    { team: homeTeam, user: 'U01BOB' },
  ],
  emails: ['approver@example.com'],
  version: 1,
};

export const slackAlice = `slack:${homeTeam}:U01ALICE`;
export const slackBob = `slack:${homeTeam}:U01BOB`;

export const approvalRequest: ApprovalRequest = {
  group: 'default',
  requestedAt: noon.toISOString(),
  deadline: '2026-11-28T12:00:00.000Z',
  version: 3,
  stage: 'approval-requested',
};

export function anAwaitingRecord(record: Parameters<typeof aRecord>[0] = {}) {
  return aRecord({
    verdict: aVerdict('ask', {
      findings: [
        { rule: 'account-is-not-listed', outcome: 'ask', reason: 'account is not on the allowlist' },
      ],
    }),
    approvalRequest,
    ...record,
  });
}

export function aView(view: Partial<ApprovalView> = {}): ApprovalView {
  return {
    record: anAwaitingRecord(),
    service: aService(),
    group,
    entries: [],
    earlierConnections: [],
    mode: 'enforce',
    ...view,
  };
}

/** A request as API Gateway passes it, signed as Slack signs it. */
export function signRequest(
  body: string | Buffer,
  { at = noon, by = secret }: { at?: Date; by?: string } = {},
) {
  const bytes = Buffer.from(body);
  const timestamp = String(Math.floor(at.getTime() / 1000));
  const mac = createHmac('sha256', by).update(`v0:${timestamp}:`).update(bytes).digest('hex');
  return {
    headers: {
      'content-type': 'application/x-www-form-urlencoded; charset=utf-8',
      'x-slack-request-timestamp': timestamp,
      'x-slack-signature': `v0=${mac}`,
    },
    body: bytes,
  };
}

export function encodeForm(fields: Readonly<Record<string, string>>): string {
  return new URLSearchParams(fields).toString();
}

export function encodePayload(sent: unknown): string {
  return encodeForm({ payload: JSON.stringify(sent) });
}

interface ClickOptions {
  readonly user?: string;
  readonly team?: string;
  readonly value?: string;
  readonly message?: typeof requestMessageId;
  /** The selected expiry; `null` if Slack sends no selection. */
  readonly expiry?: string | null;
}

/** The payload that Slack sends for a click on a button. */
export function clickPayload(
  actionId: string,
  {
    user = 'U01ALICE',
    team = homeTeam,
    value = `${endpointId(1)}.3`,
    message = requestMessageId,
    expiry = 'permanent',
  }: ClickOptions = {},
) {
  return {
    type: 'block_actions',
    user: { id: user, username: 'alice', team_id: team },
    team: { id: homeTeam, domain: 'local' },
    api_app_id: 'A01',
    trigger_id: 'trigger-1',
    response_url: responseUrl,
    container: { type: 'message', message_ts: message.ts, channel_id: message.channel },
    channel: { id: message.channel, name: 'approvals' },
    message: { ts: message.ts, text: '' },
    state: {
      values: {
        request: {
          'allow-expiry': {
            type: 'static_select',
            selected_option: expiry === null ? null : { text: {}, value: expiry },
          },
        },
      },
    },
    actions: [{ type: 'button', action_id: actionId, block_id: 'request', value, action_ts: '1' }],
  };
}

/** The payload that Slack sends for the submission of a modal. */
export function submissionPayload(
  view: ModalView | undefined,
  typed: Readonly<Record<string, string>>,
  { user = 'U01ALICE', team = homeTeam } = {},
) {
  const blocks = (view?.blocks ?? []) as readonly Block[];
  const values = blocks
    .filter(({ type }) => type === 'input')
    .map(({ block_id, element }) => {
      const { action_id } = element as { action_id: string };
      return [block_id, { [action_id]: { value: typed[action_id] ?? null } }] as const;
    });
  return {
    type: 'view_submission',
    user: { id: user, team_id: team },
    team: { id: homeTeam },
    view: {
      id: 'V01',
      callback_id: view?.callback_id,
      private_metadata: view?.private_metadata,
      state: { values: Object.fromEntries(values) },
    },
  };
}

export type SlackTestEnv = ReturnType<typeof createSlackTestEnv>;

/** The Slack receiver in a test environment; by default one request waits, with its message in the approvers' channel. */
export function createSlackTestEnv(contents: Parameters<typeof createTestEnv>[0] = {}) {
  const { records = [anAwaitingRecord()] } = contents;
  const env = createTestEnv({
    services: [aService()],
    connections: [aConnection()],
    records,
    groups: [group],
    ...contents,
  });
  env.put(...records.map((record) => aRequestNotification(record, { message: requestMessageId })));
  const answers: (Ephemeral & { url: string })[] = [];
  const views: ModalView[] = [];
  const { connectionsClient: _connectionsClient, ...depsWithoutEc2 } = env.deps;
  const deps: { -readonly [Name in keyof HandleSlackRequestDeps]: HandleSlackRequestDeps[Name] } = {
    ...depsWithoutEc2,
    signingSecret: cachedSecret(async () => secret, depsWithoutEc2),
    slack: {
      async openView(_trigger, view) {
        views.push(view);
      },
    },
    async respond(url, answer) {
      answers.push({ url, ...answer });
    },
  };
  return Object.assign(env, {
    slackDeps: deps,
    answers,
    views,
    send: (body: string | Buffer) => handleSlackRequest(signRequest(body, { at: env.time }), deps),
    click: (...args: Parameters<typeof clickPayload>) =>
      handleSlackRequest(signRequest(encodePayload(clickPayload(...args)), { at: env.time }), deps),
    submit: (...args: Parameters<typeof submissionPayload>) =>
      handleSlackRequest(signRequest(encodePayload(submissionPayload(...args)), { at: env.time }), deps),
    command: (text: string, { user = 'U01ALICE', team = homeTeam } = {}) =>
      handleSlackRequest(
        signRequest(
          encodeForm({ command: '/linkgate', text, user_id: user, team_id: team, response_url: responseUrl }),
          {
            at: env.time,
          },
        ),
        deps,
      ),
  });
}
