import { join } from 'node:path';
import { writeFolder } from './policy-file/files.ts';

/** API responses about one service, its allowlist and a connection. */
export const serviceId = 'vpce-svc-0123456789abcdef0';
export const endpointId = 'vpce-0aaaaaaaaaaaaaaa1';

export const service = {
  serviceId,
  name: 'payments',
  serviceName: `com.amazonaws.vpce.eu-west-1.${serviceId}`,
  accountId: '111111111111',
  region: 'eu-west-1',
  onUnlisted: 'ask',
  approvers: 'default',
  acceptanceRequired: true,
  registeredAt: '2031-05-01T10:00:00.000Z',
  registeredBy: 'arn:aws:iam::111111111111:root',
  drift: [{ check: 'tag-is-missing', detail: 'it lacks the tag linkgate' }],
};

export const entry = {
  service: 'payments',
  serviceId,
  accountId: '012345678901',
  effect: 'allow',
  endpointIds: [endpointId],
  maxEndpoints: 1,
  expiresAt: '2031-05-31T12:00:00.000Z',
  note: 'ticket 42',
  version: 3,
};

export const connection = {
  service: 'payments',
  serviceId,
  endpointId,
  ownerAccountId: '444444444444',
  state: 'pendingAcceptance',
  verdict: 'ask',
  decidedBy: 'linkgate',
  reason: 'account 444444444444 is not on the allowlist of payments',
  status: 'awaiting-approval',
  deadline: '2031-05-08T12:00:00.000Z',
  actions: ['approve', 'deny'],
  nextStep: 'It waits for approval until 2031-05-08T12:00:00.000Z, and stays open after that.',
  endpointRegion: 'eu-central-1',
  requestedAt: '2031-05-01T11:59:58.000Z',
};

export const explanation = {
  connection: {
    ...connection,
    state: 'rejected',
    status: 'rejected',
    deadline: null,
    actions: [],
    nextStep: 'It stays rejected, even if its account is allowed later.',
  },
  verdict: {
    outcome: 'reject',
    findings: [
      { rule: 'account-is-allowed', outcome: 'accept', reason: 'account 444444444444 is allowed' },
      {
        rule: 'person-denied',
        outcome: 'reject',
        reason: 'arn:aws:iam::111111111111:user/bob denied it: not ours',
      },
    ],
  },
  history: [
    {
      time: '2031-05-01T11:59:58.000Z',
      actor: 'account 444444444444',
      action: 'requested',
      state: 'pendingAcceptance',
    },
    {
      time: '2031-05-01T11:59:59.000Z',
      actor: 'linkgate',
      action: 'decided',
      outcome: 'ask',
      findings: [{ rule: 'account-is-not-listed', outcome: 'ask', reason: connection.reason }],
    },
    {
      time: '2031-05-01T12:00:00.000Z',
      actor: 'arn:aws:iam::111111111111:user/bob',
      action: 'denied',
      outcome: 'reject',
      reason: 'not ours',
    },
    { time: '2031-05-01T12:00:00.500Z', actor: 'linkgate', action: 'applying', outcome: 'reject' },
    {
      time: '2031-05-01T12:00:01.000Z',
      actor: 'ec2',
      action: 'applied',
      outcome: 'reject',
      state: 'rejected',
    },
  ],
};

export const by = 'arn:aws:iam::111111111111:user/alice';
export const at = '2031-05-01T12:00:00.000Z';
export const warnings = ['connections that live stay as they are'];
export const decision = { endpointId, decision: 'approve', by, at };
export const revocation = {
  endpointId,
  ownerAccountId: '444444444444',
  verdict: 'reject',
  reason: 'alice revoked it',
  since: at,
  disconnectAt: '2031-05-04T12:00:00.000Z',
};
export const live = { ...connection, state: 'available', verdict: 'accept' };
export const paused = { ...service, pausedAt: at, pausedBy: by, pauseReason: 'incident' };
export const mode = { mode: 'observe', since: at, by, reason: 'incident' };
export const operations = { slackChannel: 'C01OPS', emails: ['ops@example.com'], changedAt: at };
export const group = {
  name: 'ops',
  quorum: 1,
  slackChannel: 'C01OPS',
  slackUsers: [{ team: 'T01LOCAL', user: 'U01BOB' }],
  emails: ['a@b.example'],
  escalateTo: 'managers',
};
export const customer = {
  name: 'acme',
  accounts: ['222222222222'],
  contact: { email: 'ops@acme.example' },
  owners: [by],
  contractEndsAt: '2031-12-31T23:59:59.999Z',
  delivery: { status: 'unconfirmed', detail: 'the reader has not confirmed' },
};
const plan = {
  planId: 'p1',
  stage: 'local',
  accountId: '111111111111',
  region: 'us-east-1',
  summary: { add: 1, change: 0, remove: 0, conflicts: 1, unmanaged: 0 },
  interrupted: { by, at, done: 1, of: 2 },
};
const { accountId } = entry;
const changes = [
  {
    kind: 'entry',
    action: 'add',
    name: accountId,
    service: 'payments',
    after: { effect: 'allow', note: 'a customer', owners: [by] },
    note: 'see',
  },
  {
    kind: 'group',
    action: 'conflict',
    name: 'team',
    before: { quorum: 1 },
    after: { quorum: 2 },
    managedBy: 'person',
    changedBy: by,
  },
];
const request = { endpointId, service: 'payments', ownerAccountId: accountId };
const check = {
  group: 'Services',
  name: 'drift',
  subject: 'payments',
  status: 'failed',
  detail: 'not in order',
  remedy: 'do this:',
};
const unregistered = { serviceId, name: 'payments', region: 'eu-west-1', acceptanceRequired: true };

/** An answer to each request of `commandLines`. */
export const answers: Readonly<Record<string, object>> = {
  'POST /setup': { done: ['the group default is there'] },
  'POST /services': { service, warnings },
  'GET /services': { services: [{ ...paused, otherPrincipals: ['arn'] }] },
  'GET /services?unregistered=true': { services: [{ ...unregistered, state: 'Available' }] },
  'GET /services/payments': { service: paused },
  'DELETE /services/payments': { service, warnings },
  'POST /services/payments/pause': { service: paused },
  'POST /services/payments/resume': { service, disconnects: [], warnings },
  'PUT /allowlist/payments/012345678901': { entry, disconnects: [], accepts: [], warnings },
  'PUT /allowlist/*/012345678901': { entry, disconnects: [], warnings },
  'DELETE /allowlist/payments/012345678901': { entry, disconnects: [], warnings },
  'GET /allowlist': { entries: [{ ...entry, owners: [by], customer: 'acme', roles: ['arn'] }] },
  'GET /connections': {
    connections: [{ ...live, verdict: 'reject', disconnectAt: at, differs: 'it lives', decidedBy: by }],
  },
  [`GET /connections/${endpointId}`]: {
    ...explanation,
    history: [
      ...explanation.history,
      { time: at, actor: by, action: 'extended', disconnectAt: at, reason: 'moving', ticket: 'OPS-1' },
      { time: at, actor: by, action: 'made-up', reason: 'why' },
    ],
  },
  [`POST /connections/${endpointId}/decision`]: { decision: { ...decision, verdict: 'hold' }, warnings },
  [`POST /connections/${endpointId}/revocation`]: { revocation, warnings },
  [`POST /connections/${endpointId}/extend`]: { revocation, warnings },
  'GET /mode': mode,
  'PUT /mode': { ...mode, warnings },
  'GET /operations': { operations },
  'PUT /operations': { operations, warnings },
  'GET /approvers': { groups: [group] },
  'GET /approvers/ops': { group },
  'PUT /approvers/ops': { group, warnings },
  'DELETE /approvers/ops': { group, warnings },
  'GET /customers': { customers: [customer] },
  'GET /customers/acme': { customer },
  'PUT /customers/acme': { customer, warnings },
  'DELETE /customers/acme': { customer, warnings },
  'POST /plans': { plan },
  'GET /plans/p1/changes': { changes },
  'GET /plans/p1/impact': {
    effects: [{ ...request, effect: 'disconnect', state: 'available', reason: 'blocked', at }],
    looked: 1,
  },
  'GET /plans/p1/simulation': {
    requests: [{ ...request, requestedAt: at, was: 'ask', would: 'accept', reason: 'allowed' }],
    looked: 1,
  },
  'POST /plans/p1/apply': { apply: { status: 'done', done: 2, of: 2 }, warnings },
  'GET /policy': {
    document: {
      groups: [],
      services: [{ name: 'payments', serviceId }],
      customers: [],
      entries: [{ service: 'payments', accountId, effect: 'allow', note: 'a customer' }],
    },
  },
  'POST /sweeps': { job: { jobId: 'j1', status: 'succeeded', result: { described: 1 } } },
  'GET /slack/manifest': { manifest: { display_information: { name: 'linkgate' } } },
  'PUT /slack': { team: 'acme', bot: 'linkgate', scopes: ['chat:write'], warnings },
  'GET /audit/verification': { verified: 1, broken: [{ endpointId, sequence: 1, problem: 'changed' }] },
  'DELETE /items': { item: { pk: 'SERVICE', sk: serviceId }, warnings },
  'GET /doctor': { checks: [check] },
};

const policy = join(writeFolder({ 'policy.yml': 'version: 1\nservices: {payments: {}}\n' }), 'policy.yml');

/** At least one line for each command, with the fields of its `--json` document. */
export const commandLines: readonly (readonly [line: string, fields: string])[] = [
  ['setup', 'done'],
  [`service add ${serviceId} --name payments`, 'service'],
  ['service list', 'services'],
  ['service list --unregistered', 'services'],
  ['service show payments', 'service'],
  ['service remove payments', 'service'],
  ['allow 012345678901 --service payments', 'entry disconnects accepts'],
  ['block 012345678901 --service *', 'entry disconnects'],
  ['allowlist remove 012345678901 --service payments', 'entry disconnects'],
  ['allowlist list', 'entries'],
  ['allowlist', 'entries'],
  ['allowlist show 012345678901', 'entries'],
  ['connections', 'connections'],
  [`explain ${endpointId}`, 'connection verdict history'],
  [`approve ${endpointId}`, 'decision'],
  [`deny ${endpointId} --reason no`, 'decision'],
  [`revoke ${endpointId}`, 'revocations'],
  [`extend ${endpointId} --until 30d --reason moving`, 'revocation'],
  ['lockdown 012345678901 --yes --wait 1', 'accountId entry disconnected rejected left outranked'],
  [`plan -f ${policy}`, 'file plan warnings changes effects'],
  [`plan --markdown -f ${policy}`, 'file plan warnings changes effects'],
  [`apply --yes -f ${policy}`, 'file plan warnings changes effects apply'],
  [`simulate -f ${policy}`, 'changes requests looked'],
  ['schema', 'type properties required additionalProperties $schema title'],
  ['export', 'document'],
  ['export --from-connections payments', 'document'],
  ['sweep connections', 'described'],
  ['mode', 'mode since by reason'],
  ['mode observe --reason incident', 'mode since by reason'],
  ['operations show', 'operations'],
  ['operations set --slack-channel C01OPS --email ops@example.com', 'operations'],
  ['pause payments --reason incident', 'service'],
  ['resume payments --yes', 'service disconnects'],
  ['approvers list', 'groups'],
  ['approvers show ops', 'group'],
  ['approvers remove ops', 'group'],
  ['approvers set ops --email a@example.com', 'groups'],
  ['customer list', 'customers'],
  ['customer show acme', 'customer'],
  ['customer set acme --account 222222222222', 'customer'],
  ['customer remove acme', 'customer'],
  ['slack manifest', 'display_information'],
  ['slack connect', 'team bot scopes'],
  ['audit verify', 'verified broken'],
  [`item remove SERVICE ${serviceId}`, 'item warnings'],
  ['doctor', 'checks'],
];

/** The lines of standard input for commands that ask for a secret. */
export const stdin = ['0123456789abcdef0123456789abcdef'];
