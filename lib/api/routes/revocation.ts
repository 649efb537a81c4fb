import { effectiveEntry, findBlock } from '../../allowlist/effective-entry.ts';
import {
  type ConnectedDecisionInput,
  type ConnectedDecisionResult,
  decideConnectedByPerson,
  maxExtensionMs,
} from '../../approvals/decide-connected-by-person.ts';
import { emptyGroup } from '../../approvers/approver-group.ts';
import { type ConnectionRecord, connectionEntity, recordKey } from '../../connections/connection-record.ts';
import { isStillAuthorized, NotAuthorizedError } from '../../policy/authorize.ts';
import { policyInputKeys, readPolicyInputs } from '../../policy/policy-inputs.ts';
import { indexByKey } from '../../storage/entity.ts';
import { trackIdentity } from '../../storage/table-identity.ts';
import { shellWord } from '../../values/shell-word.ts';
import { isPaused, primaryReason } from '../../verdicts/verdict.ts';
import { ApiError } from '../api-error.ts';
import type { ApiApp, ApiDeps } from '../env.ts';
import { ExtendInput, RevocationInput, readBody, validateInput } from '../input.ts';
import { requireEndpointId, unknownEndpointError } from '../lookup.ts';

/** Decisions of people about connected endpoints. */
export function revocationRoutes(app: ApiApp): void {
  app.post('/connections/:endpointId/revocation', async (context) => {
    const api = context.get('api');
    const endpointId = requireEndpointId(context);
    const input = validateInput(RevocationInput, await readBody(context), 'the revocation');
    await trackIdentity(api);
    const before = await connectionEntity.find(recordKey(endpointId), api.table);
    const record = await requireConnectedDecision(
      endpointId,
      { ...input, action: 'revoke', by: api.caller },
      api,
    );
    return context.json({
      revocation: revocationView(record),
      warnings: [
        ...warnExtensionEnds(before, api.now()),
        ...(await warnStillAllowed(record, api)),
        ...(await warnDisconnectDelayed(record, api)),
      ],
    });
  });
  app.post('/connections/:endpointId/extend', async (context) => {
    const api = context.get('api');
    const endpointId = requireEndpointId(context);
    const { until, reason } = validateInput(ExtendInput, await readBody(context), 'the extension');
    const decision = { action: 'keep', by: api.caller, reason, until } as const;
    await requireExtendable(endpointId, decision.until, api);
    const record = await requireConnectedDecision(endpointId, decision, api);
    return context.json({
      revocation: revocationView(record),
      warnings: await warnDisconnectDelayed(record, api),
    });
  });
}

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
      throw notConnectedError(endpointId, result);
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

function notConnectedError(
  endpointId: string,
  { connection: { state } }: Extract<ConnectedDecisionResult, { status: 'not-connected' }>,
) {
  const then =
    state === 'pendingAcceptance'
      ? `; a request is rejected by a decision: linkgate deny ${endpointId} --reason "…"`
      : '';
  return new ApiError(
    409,
    'NotConnected',
    `${endpointId} is not connected: EC2 shows it \`${state}\`${then}`,
  );
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
  const now = api.now();
  const record = await connectionEntity.find(recordKey(endpointId), api.table);
  const disconnectAt = record?.revocation?.disconnectAt;
  const problem =
    new Date(until) <= now
      ? `it is in the past: linkgate's clock says ${now.toISOString()}`
      : new Date(until).getTime() - now.getTime() > maxExtensionMs
        ? 'an extension is a year at most; for longer allow the account'
        : disconnectAt !== undefined && until < disconnectAt
          ? `its disconnect is scheduled later than that already, at ${disconnectAt}`
          : undefined;
  if (problem)
    throw new ApiError(400, 'InvalidRequest', `it cannot be extended until \`${until}\`: ${problem}`);
  if (!record) return;
  const { service, entries, unreadable } = readPolicyInputs(
    record,
    indexByKey(await api.table.get(policyInputKeys(record))),
  );
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
  const { entries, service } = readPolicyInputs(record, indexByKey(await table.get(policyInputKeys(record))));
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
