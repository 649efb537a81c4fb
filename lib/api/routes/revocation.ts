import { effectiveEntry, findBlock } from '../../allowlist/effective-entry.ts';
import {
  type ConnectedDecisionInput,
  decideConnectedByPerson,
  maxExtensionMs,
} from '../../approvals/decide-connected-by-person.ts';
import { emptyGroup } from '../../approvers/approver-group.ts';
import { type ConnectionRecord, connectionEntity, recordKey } from '../../connections/connection-record.ts';
import { isStillAuthorized, NotAuthorizedError } from '../../policy/authorize.ts';
import { loadPolicyInputs } from '../../policy/policy-inputs.ts';
import type { ConnectionState } from '../../privatelink/connection.ts';
import { trackIdentity } from '../../storage/table-identity.ts';
import { shellWord } from '../../values/shell-word.ts';
import { isPaused, primaryReason } from '../../verdicts/verdict.ts';
import { ApiError, invalidRequestError } from '../api-error.ts';
import type { ApiDeps } from '../env.ts';
import { ExtendInput, RevocationInput } from '../input.ts';
import { requireEndpointId, unknownEndpointError } from '../lookup.ts';
import type { Routes } from '../request.ts';

/** Decisions of people about connected endpoints. */
export const revocationRoutes: Routes = {
  'POST /connections/{endpointId}/revocation': async (request, api) => {
    const endpointId = requireEndpointId(request);
    const input = await request.body(RevocationInput, 'the revocation');
    await trackIdentity(api);
    const before = await connectionEntity.find(recordKey(endpointId), api.table);
    const decision = { ...input, action: 'revoke', by: api.caller } as const;
    const record = await requireConnectedDecision(endpointId, decision, api);
    return {
      revocation: revocationView(record),
      warnings: [
        ...warnExtensionEnds(before, api.now()),
        ...(await warnStillAllowed(record, api)),
        ...(await warnDisconnectDelayed(record, api)),
      ],
    };
  },
  'POST /connections/{endpointId}/extend': async (request, api) => {
    const endpointId = requireEndpointId(request);
    const { until, reason } = await request.body(ExtendInput, 'the extension');
    const decision = { action: 'keep', by: api.caller, reason, until } as const;
    await requireExtendable(endpointId, until, api);
    const record = await requireConnectedDecision(endpointId, decision, api);
    return {
      revocation: revocationView(record),
      warnings: await warnDisconnectDelayed(record, api),
    };
  },
};

/** @throws ApiError if the decision does not apply to the connection. */
async function requireConnectedDecision(
  endpointId: string,
  decision: ConnectedDecisionInput,
  api: ApiDeps,
): Promise<ConnectionRecord> {
  const result = await decideConnectedByPerson(endpointId, decision, api);
  switch (result.status) {
    case 'done':
      return result.record;
    case 'unknown':
      throw unknownEndpointError(endpointId);
    case 'not-connected':
      throw new ApiError(409, 'NotConnected', explainNotConnected(endpointId, result.connection.state));
    case 'no-scheduled-disconnect':
      throw new ApiError(
        409,
        'NoScheduledDisconnect',
        `${endpointId} cannot be extended: ${explainNotExtendable(result.record)}`,
      );
    default:
      throw result satisfies never;
  }
}

function explainNotConnected(endpointId: string, state: ConnectionState): string {
  const shown = `${endpointId} is not connected: EC2 shows it \`${state}\``;
  return state === 'pendingAcceptance'
    ? `${shown}; a request is rejected by a decision: linkgate deny ${endpointId} --reason "…"`
    : shown;
}

function explainNotExtendable({
  ownerAccountId,
  serviceId,
  revocation,
  pendingEffect,
}: ConnectionRecord): string {
  if (!revocation) return 'it has no scheduled disconnect';
  if (revocation.cause === 'block')
    return `its account is blocked, and the block has to be removed: linkgate allow ${ownerAccountId} --service ${serviceId}, or linkgate allowlist remove; \`linkgate allowlist\` shows where it is blocked`;
  if (revocation.cause === 'service') return 'its service is being deregistered';
  return pendingEffect ? 'linkgate is disconnecting it now' : `${revocation.by} revoked it`;
}

/**
 * Checks that an extension postpones a disconnect, and that the caller does not own the account.
 * @throws ApiError, NotAuthorizedError
 */
async function requireExtendable(endpointId: string, until: string, api: ApiDeps): Promise<void> {
  const record = await connectionEntity.find(recordKey(endpointId), api.table);
  const problem = findExtensionProblem(until, record?.revocation?.disconnectAt, api.now());
  if (problem !== undefined)
    throw invalidRequestError(`it cannot be extended until \`${until}\`: ${problem}`);
  if (!record) return;
  const { service, entries, unreadable } = await loadPolicyInputs(record, api.table);
  // An unreadable entry may name the caller as owner.
  if (unreadable[0]) throw unreadable[0];
  if (!service) return;
  const group = emptyGroup(service.approvers);
  if (!isStillAuthorized({ by: api.caller, decision: 'approve' }, { service, group, entries }))
    throw new NotAuthorizedError(
      'owner',
      `${api.caller} owns the account: somebody else has to extend its connection`,
      group,
    );
}

/** @returns undefined if the connection may be extended until that time. */
function findExtensionProblem(
  until: string,
  disconnectAt: string | undefined,
  now: Date,
): string | undefined {
  if (new Date(until) <= now) return `it is in the past: linkgate's clock says ${now.toISOString()}`;
  if (new Date(until).getTime() - now.getTime() > maxExtensionMs)
    return 'an extension is a year at most; for longer allow the account';
  return disconnectAt !== undefined && until < disconnectAt
    ? `its disconnect is scheduled later than that already, at ${disconnectAt}`
    : undefined;
}

/** Warns that a revocation cancels an earlier extension. */
function warnExtensionEnds(before: ConnectionRecord | undefined, now: Date): string[] {
  const extended = before?.extended;
  if (!extended || before?.revocation?.disconnectAt !== extended.until || new Date(extended.until) <= now)
    return [];
  const reason = extended.reason === undefined ? '' : ` (${extended.reason})`;
  return [
    `this cancels the extension of ${before.endpointId} until ${extended.until} by ${extended.by}${reason}`,
  ];
}

function revocationView({
  endpointId,
  serviceId,
  ownerAccountId,
  state,
  verdict,
  revocation,
  extended,
}: ConnectionRecord) {
  return {
    endpointId,
    serviceId,
    ownerAccountId,
    state,
    ...(verdict && { verdict: verdict.outcome, reason: primaryReason(verdict) }),
    ...revocation,
    ...(extended && { extended }),
  };
}

/** Warns that the account is still allowed: a revocation applies to one connection and keeps the allowlist entry. */
async function warnStillAllowed(record: ConnectionRecord, { table }: ApiDeps): Promise<string[]> {
  const { entries, service } = await loadPolicyInputs(record, table);
  const isBlocked = findBlock(entries) !== undefined;
  if (isBlocked || effectiveEntry({ entries })?.effect !== 'allow') return [];
  const { ownerAccountId: account, serviceId } = record;
  const name = service?.name ?? serviceId;
  const at = shellWord(name);
  return [
    `account ${account} is still allowed at ${name}, so it can connect again with a new endpoint: linkgate block ${account} --service ${at}, or linkgate allowlist remove ${account} --service ${at}`,
  ];
}

/** Warns that mode `observe` or a pause delays the disconnect. */
async function warnDisconnectDelayed({ verdict }: ConnectionRecord, { mode }: ApiDeps): Promise<string[]> {
  if ((await mode()) === 'observe')
    return [
      "linkgate's mode is observe: it records this, and does not change EC2 until `linkgate mode enforce`",
    ];
  return verdict && isPaused(verdict)
    ? [`linkgate disconnects nothing for now: ${primaryReason(verdict)}`]
    : [];
}
