import type { AllowlistEntry } from '../lib/allowlist/entry.ts';
import { requestGeneration, requestTarget } from '../lib/approvals/digest.ts';
import type { ApproverGroup } from '../lib/approvers/approver-group.ts';
import type { ApprovalRequest } from '../lib/connections/approval-request.ts';
import type { ConnectionRecord } from '../lib/connections/connection-record.ts';
import type { PersonDecision } from '../lib/connections/person-decision.ts';
import type { AccountRegion } from '../lib/locations/account-region.ts';
import type { ModeChange } from '../lib/mode/mode.ts';
import {
  type Notification,
  type NotificationTarget,
  notificationWrites,
} from '../lib/outbox/notification.ts';
import type { Policy } from '../lib/policy/rule.ts';
import type { Connection } from '../lib/privatelink/connection.ts';
import type { ServiceConfiguration } from '../lib/services/endpoint-services.ts';
import type { Service } from '../lib/services/service.ts';
import type { Item } from '../lib/storage/table.ts';
import type { Finding, Verdict } from '../lib/verdicts/verdict.ts';
import { connectionRules } from '../rules/connection/index.ts';

export const noon = new Date('2026-11-21T12:00:00.000Z');
export const hub: AccountRegion = { accountId: '111111111111', region: 'us-east-1' };
export const topicArn = 'arn:aws:sns:us-east-1:111111111111:linkgate-test-connections';
export const alice = 'arn:aws:iam::111111111111:user/alice';
/** An account id with a leading zero. */
export const consumer = '022222222222';

/** Returns the time `seconds` after noon. */
export function secondsAfterNoon(seconds: number): Date {
  return new Date(noon.getTime() + seconds * 1000);
}

/** The item of what an audience received about a target. */
export function aNotificationItem(target: NotificationTarget, received: Partial<Notification> = {}): Item {
  const before: Notification = { ...target, outdated: [], emailed: {}, attempts: 0, version: 0 };
  const [write] = notificationWrites(before, { ...before, ...received });
  if (!write || !('put' in write)) throw new Error('the first write is the item');
  return write.put;
}

/** The item of what approvers received about a request. */
export function aRequestNotification(record: ConnectionRecord, received: Partial<Notification> = {}): Item {
  const group = record.approvalRequest?.group;
  return aNotificationItem(requestTarget(record.endpointId), {
    generation: requestGeneration(record),
    ...(received.digestId !== undefined && group !== undefined && { digestGroup: group }),
    ...received,
  });
}

/** Returns the same id for the same number. */
export function endpointId(number: number): string {
  return `vpce-${number.toString(16).padStart(17, '0')}`;
}

export function serviceId(number: number): string {
  return `vpce-svc-${number.toString(16).padStart(17, '0')}`;
}

export function aConnection(overrides: Partial<Connection> = {}): Connection {
  return {
    location: hub,
    serviceId: serviceId(1),
    endpointId: endpointId(1),
    ownerAccountId: consumer,
    state: 'pendingAcceptance',
    requestedAt: '2026-11-21T11:59:00.000Z',
    ...overrides,
  };
}

export function aRequest(overrides: Parameters<typeof aConnection>[0] = {}) {
  return aConnection({ state: 'pendingAcceptance', ...overrides });
}

export function aService(service: Partial<Service> = {}): Service {
  return {
    serviceId: serviceId(1),
    name: 'orders',
    serviceName: `com.amazonaws.vpce.us-east-1.${service.serviceId ?? serviceId(1)}`,
    location: hub,
    onUnlisted: 'ask',
    approvers: 'default',
    registeredAt: '2026-11-01T00:00:00.000Z',
    registeredBy: alice,
    topicArn,
    acceptanceRequired: true,
    drift: [],
    checkedAt: '2026-11-01T00:00:00.000Z',
    policyRevision: 1,
    version: 1,
    ...service,
  };
}

/** A service in EC2 without drift. */
export function aConfiguration(configuration: Partial<ServiceConfiguration> = {}): ServiceConfiguration {
  return {
    serviceId: serviceId(1),
    serviceName: `com.amazonaws.vpce.us-east-1.${serviceId(1)}`,
    state: 'Available',
    acceptanceRequired: true,
    principals: [`arn:aws:iam::${consumer}:root`],
    isTagged: true,
    notifications: [
      {
        notificationId: 'vpce-nfn-00000000000000001',
        topicArn,
        events: ['Accept', 'Connect', 'Delete', 'Reject'],
        isEnabled: true,
      },
    ],
    ...configuration,
  };
}

export function anEntry(entry: Partial<AllowlistEntry> = {}): AllowlistEntry {
  return {
    serviceId: serviceId(1),
    accountId: consumer,
    effect: 'allow',
    changedAt: '2026-11-02T00:00:00.000Z',
    changedBy: alice,
    version: 1,
    ...entry,
  };
}

export function aPolicy(policy: Partial<Policy> = {}): Policy {
  return { service: aService(), entries: [], countedEndpointIds: [], rules: connectionRules, ...policy };
}

export function anApproval(approval: Partial<PersonDecision> = {}): PersonDecision {
  return { decision: 'approve', by: alice, at: noon.toISOString(), ...approval };
}

/** An approval request of noon with a deadline in a week. */
export function anApprovalRequest(approvalRequest: Partial<ApprovalRequest> = {}): ApprovalRequest {
  return {
    group: 'default',
    requestedAt: noon.toISOString(),
    deadline: '2026-11-28T12:00:00.000Z',
    version: 0,
    stage: 'approval-requested',
    ...approvalRequest,
  };
}

export function aGroup(group: Partial<ApproverGroup> = {}): ApproverGroup {
  return { name: 'default', quorum: 1, slackUsers: [], emails: [], version: 1, ...group };
}

export function aFinding(finding: Partial<Finding> = {}): Finding {
  return { rule: 'account-is-allowed', outcome: 'accept', reason: 'because', ...finding };
}

/** A recorded verdict, based on the first versions of the service and the entry. */
export function aVerdict(
  outcome: Verdict['outcome'],
  verdict: Partial<NonNullable<ConnectionRecord['verdict']>> = {},
): NonNullable<ConnectionRecord['verdict']> {
  return {
    outcome,
    findings: [aFinding({ outcome })],
    decidedAt: noon.toISOString(),
    decidedBy: 'linkgate',
    policyVersions: { service: 1, entry: 0, wildcardEntry: 0, mode: 0 },
    ...verdict,
  };
}

/** The recorded last change of the mode. */
export function aModeChange(switched: Partial<ModeChange> = {}): ModeChange {
  return {
    mode: 'enforce',
    since: noon.toISOString(),
    by: alice,
    policyRevision: 1,
    version: 1,
    ...switched,
  };
}

/** The record of `aConnection`. */
export function aRecord(record: Partial<ConnectionRecord> = {}): ConnectionRecord {
  return { ...aConnection(), auditCount: 0, version: 1, ...record };
}
