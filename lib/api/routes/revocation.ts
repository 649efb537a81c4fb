import {
  type ConnectedDecisionInput,
  type ConnectedDecisionResult,
  decideConnectedByPerson,
  maxExtensionMs,
} from '../../approvals/decide-connected-by-person.ts';
import { emptyGroup } from '../../approvers/approver-group.ts';
import { type ConnectionRecord, findRecord } from '../../connections/connection-record.ts';
import { isStillAuthorized, NotAuthorizedError } from '../../policy/authorize.ts';
import { policyInputKeys, readPolicyInputs } from '../../policy/policy-inputs.ts';
import { effectiveEntry } from '../../policy/rule.ts';
import { indexByKey } from '../../storage/entity.ts';
import { trackIdentity } from '../../storage/table-identity.ts';
import { shellWord } from '../../values/shell-word.ts';
import { isPaused, primaryReason } from '../../verdicts/verdict.ts';
import { ApiError } from '../api-error.ts';
import type { ApiApp, ApiDeps } from '../env.ts';
import { ExtendInput, RevocationInput, readBody, validateInput } from '../input.ts';
import { requireEndpointId, unknownEndpointError } from '../lookup.ts';

/** What a person says of a connection that lives. */
export function revocationRoutes(app: ApiApp): void {
  app.post('/connections/:endpointId/revocation', async (context) => {
    const api = context.get('api');
    const endpointId = requireEndpointId(context);
    const said = validateInput(RevocationInput, await readBody(context), 'the revocation');
    await trackIdentity(api);
    const before = await findRecord(endpointId, api.table);
    const record = await requireConnectedDecision(
      endpointId,
      { ...said, action: 'revoke', by: api.caller },
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
  app.post('/connections/:endpointId/keep', async (context) => {
    const api = context.get('api');
    const endpointId = requireEndpointId(context);
    const { until, reason } = validateInput(ExtendInput, await readBody(context), 'what is kept');
    const word = { action: 'keep', by: api.caller, reason, until } as const;
    await requireExtendable(endpointId, word.until, api);
    const record = await requireConnectedDecision(endpointId, word, api);
    return context.json({
      revocation: revocationView(record),
      warnings: await warnDisconnectDelayed(record, api),
    });
  });
}

/** @throws ApiError where there is nothing to say it of. */
async function requireConnectedDecision(
  endpointId: string,
  word: ConnectedDecisionInput,
  api: ApiDeps,
): Promise<ConnectionRecord> {
  const answer = await decideConnectedByPerson(endpointId, word, api);
  switch (answer.status) {
    case 'done':
      return answer.record;
    case 'unknown':
      throw unknownEndpointError(endpointId);
    case 'not-connected':
      throw notConnectedError(endpointId, answer);
    case 'no-scheduled-disconnect':
      throw new ApiError(
        409,
        'NotRevoking',
        `${endpointId} cannot be kept: ${explainNotExtendable(answer.record)}`,
      );
    default:
      throw answer satisfies never;
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
  return new ApiError(409, 'NotLive', `${endpointId} is not connected: EC2 shows it \`${state}\`${then}`);
}

function explainNotExtendable({
  ownerAccountId,
  serviceId,
  revocation,
  pendingEffect,
}: ConnectionRecord): string {
  if (!revocation) return 'nothing is to cut it';
  if (revocation.cause === 'block')
    return `its account is blocked, and a block is not put off but lifted: linkgate allow ${ownerAccountId} --service ${serviceId}, or linkgate allowlist remove; \`linkgate allowlist\` shows where it is blocked`;
  if (revocation.cause === 'service') return 'its service is being taken out';
  return pendingEffect ? 'it is being cut now' : `${revocation.by} cuts it`;
}

/**
 * A cut is put off, never brought forward, and not by whoever owns the account.
 * @throws ApiError, NotAuthorizedError
 */
async function requireExtendable(endpointId: string, until: string, api: ApiDeps): Promise<void> {
  const now = api.now();
  const record = await findRecord(endpointId, api.table);
  const disconnectAt = record?.revocation?.disconnectAt;
  const problem =
    new Date(until) <= now
      ? `it is in the past: linkgate's clock says ${now.toISOString()}`
      : new Date(until).getTime() - now.getTime() > maxExtensionMs
        ? 'a cut is put off by a year at most; for longer allow the account'
        : disconnectAt !== undefined && until < disconnectAt
          ? `it is to be cut later than that already, at ${disconnectAt}`
          : undefined;
  if (problem) throw new ApiError(400, 'InvalidRequest', `it cannot be kept until \`${until}\`: ${problem}`);
  if (!record) return;
  const { service, entries, unreadable } = readPolicyInputs(
    record,
    indexByKey(await api.table.get(policyInputKeys(record))),
  );
  // Whoever owns the account may stand in what cannot be read.
  if (unreadable[0]) throw unreadable[0];
  if (!service) return;
  const group = emptyGroup(service.approvers);
  if (!isStillAuthorized({ by: api.caller, decision: 'approve' }, { service, group, entries }))
    throw new NotAuthorizedError(
      'owner',
      `${api.caller} owns the account: somebody else has to keep its connection`,
      group,
    );
}

/** Who revokes takes back that somebody put off the cut. */
function warnExtensionEnds(before: ConnectionRecord | undefined, now: Date): string[] {
  const kept = before?.extended;
  if (!kept || before?.revocation?.disconnectAt !== kept.until || new Date(kept.until) <= now) return [];
  const reason = kept.reason === undefined ? '' : ` (${kept.reason})`;
  return [`${before.endpointId} was kept until ${kept.until} by ${kept.by}${reason}, which holds no longer`];
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
    ...(extended && { kept: extended }),
  };
}

/** Revoking is about one connection: what the allowlist says of its account stays. */
async function warnStillAllowed(record: ConnectionRecord, { table }: ApiDeps): Promise<string[]> {
  const { entries, service } = readPolicyInputs(record, indexByKey(await table.get(policyInputKeys(record))));
  const isBlocked = entries.some(({ effect }) => effect === 'block');
  if (isBlocked || effectiveEntry({ entries })?.effect !== 'allow') return [];
  const { ownerAccountId: account, serviceId } = record;
  const name = service?.name ?? serviceId;
  const at = shellWord(name);
  return [
    `account ${account} is still allowed at ${name}, so that it may connect again with a new endpoint: linkgate block ${account} --service ${at}, or linkgate allowlist remove ${account} --service ${at}`,
  ];
}

/** What keeps EC2 from being asked to cut it when its time has come. */
async function warnDisconnectDelayed({ verdict }: ConnectionRecord, { mode }: ApiDeps): Promise<string[]> {
  if ((await mode()) === 'observe')
    return [
      "linkgate's mode is observe: it is recorded, and EC2 is left as it is until `linkgate mode enforce`",
    ];
  return verdict && isPaused(verdict) ? [`nothing is cut for now: ${primaryReason(verdict)}`] : [];
}
