export const serviceId = 'vpce-svc-0123456789abcdef0';
export const endpointId = 'vpce-0123456789abcdef0';

/** A policy file with every field of the schema, below its version. */
export const everyField = `
approvers:
  payments-team:
    slack: {channel: C0123, users: [T01:U01ALICE, T01:U01BOB]}
    emails: [Alice@Example.com]
    quorum: 2
    decisionChannels: api
    escalateTo: default
services:
  payments:
    id: ${serviceId}
    region: us-east-1
    account: '011111111111'
    onUnlisted: hold
    approvers: payments-team
    requireTicket: true
    deadline: 36h
    onExpiry: reject
    grace: 2d
    onExternalAccept: disconnect
    principals: managed
    otherPrincipals: ['*']
customers:
  acme:
    accounts: ['222222222222']
    contact: {email: Cloud@Example.com}
    owners: [T01:U01CAROL, dave@example.com, 'arn:aws:iam::222222222222:user/erin']
    contractEnds: 2027-12-31
  beta:
    accounts: ['033333333333']
    contact: {topic: 'arn:aws:sns:us-east-1:033333333333:linkgate-notices'}
allow:
  - customer: acme
    services: payments
    endpoints: [${endpointId}]
    consumerRegions: [eu-west-1]
    maxEndpoints: 2
    expires: 2027-01-31
    roles: ['arn:aws:iam::222222222222:role/network']
    owners: [frank@example.com]
    note: contract 42
block:
  - {account: '444444444444', services: '*', note: left us, owners: [frank@example.com]}
`;
