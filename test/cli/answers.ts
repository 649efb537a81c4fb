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
