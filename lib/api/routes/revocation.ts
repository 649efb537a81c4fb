import { nobody } from '../../approval/approver-group.ts';
import { MayNotDecideError, stillCounts } from '../../approval/may-decide.ts';
import { type ConnectionRecord, findRecord } from '../../connection/connection-record.ts';
import { consult, policyKeys } from '../../policy/consult.ts';
import { isStopped, reasonOf } from '../../policy/decide.ts';
import { entryThatCounts } from '../../policy/rule.ts';
import { type LiveAnswer, type LiveWord, longestKept, sayOfLive } from '../../revocation/by-person.ts';
import { shellWord } from '../../shell-word.ts';
import { byKey } from '../../table/item.ts';
import { lineageOf } from '../../table/lineage.ts';
import { ApiError } from '../api-error.ts';
import type { Api, ApiApp } from '../env.ts';
import { bodyOf, KeepInput, RevocationInput, valid } from '../input.ts';
import { endpointNamed, unknownEndpoint } from '../named.ts';

/** What a person says of a connection that lives. */
export function revocationRoutes(app: ApiApp): void {
  app.post('/connections/:endpointId/revocation', async (context) => {
    const api = context.get('api');
    const endpointId = endpointNamed(context);
    const said = valid(RevocationInput, await bodyOf(context), 'the revocation');
    await lineageOf(api);
    const before = await findRecord(endpointId, api.table);
    const record = await say(endpointId, { ...said, action: 'revoke', by: api.caller }, api);
    return context.json({
      revocation: viewOfRevocation(record),
      warnings: [
        ...keptNoLonger(before, api.now()),
        ...(await mayReturn(record, api)),
        ...(await whatKeepsIt(record, api)),
      ],
    });
  });
  app.post('/connections/:endpointId/keep', async (context) => {
    const api = context.get('api');
    const endpointId = endpointNamed(context);
    const { until, reason } = valid(KeepInput, await bodyOf(context), 'what is kept');
    const word = { action: 'keep', by: api.caller, reason, until } as const;
    await checkKeep(endpointId, word.until, api);
    const record = await say(endpointId, word, api);
    return context.json({ revocation: viewOfRevocation(record), warnings: await whatKeepsIt(record, api) });
  });
}

/** @throws ApiError where there is nothing to say it of. */
async function say(endpointId: string, word: LiveWord, api: Api): Promise<ConnectionRecord> {
  const answer = await sayOfLive(endpointId, word, api);
  switch (answer.status) {
    case 'done':
      return answer.record;
    case 'unknown':
      throw unknownEndpoint(endpointId);
    case 'not-live':
      throw notLive(endpointId, answer);
    case 'not-revoking':
      throw new ApiError(409, 'NotRevoking', `${endpointId} cannot be kept: ${whyNotKept(answer.record)}`);
    default:
      throw answer satisfies never;
  }
}

function notLive(endpointId: string, { connection: { state } }: Extract<LiveAnswer, { status: 'not-live' }>) {
  const then =
    state === 'pendingAcceptance'
      ? `; a request is turned away: linkgate deny ${endpointId} --reason "…"`
      : '';
  return new ApiError(409, 'NotLive', `${endpointId} is not connected: EC2 shows it \`${state}\`${then}`);
}

function whyNotKept({ ownerAccountId, serviceId, revocation, effect }: ConnectionRecord): string {
  if (!revocation) return 'nothing is to cut it';
  if (revocation.cause === 'block')
    return `its account is blocked, and a block is not put off but lifted: linkgate allow ${ownerAccountId} --service ${serviceId}, or linkgate forget; \`linkgate allowlist\` shows where it is blocked`;
  if (revocation.cause === 'service') return 'its service is being taken out';
  return effect ? 'it is being cut now' : `${revocation.by} cuts it`;
}

/**
 * A cut is put off, never brought forward, and not by whoever owns the account.
 * @throws ApiError, MayNotDecideError
 */
async function checkKeep(endpointId: string, until: string, api: Api): Promise<void> {
  const now = api.now();
  const record = await findRecord(endpointId, api.table);
  const cutAt = record?.revocation?.cutAt;
  const problem =
    new Date(until) <= now
      ? `it is in the past: linkgate's clock says ${now.toISOString()}`
      : new Date(until).getTime() - now.getTime() > longestKept
        ? 'a cut is put off by a year at most; for longer allow the account'
        : cutAt !== undefined && until < cutAt
          ? `it is to be cut later than that already, at ${cutAt}`
          : undefined;
  if (problem) throw new ApiError(400, 'InvalidRequest', `it cannot be kept until \`${until}\`: ${problem}`);
  if (!record) return;
  const { service, entries, unreadable } = consult(record, byKey(await api.table.get(policyKeys(record))));
  // Whoever owns the account may stand in what cannot be read.
  if (unreadable[0]) throw unreadable[0];
  if (!service) return;
  const group = nobody(service.approvers);
  if (!stillCounts({ by: api.caller, decision: 'approve' }, { service, group, entries }))
    throw new MayNotDecideError(
      'owner',
      `${api.caller} owns the account: somebody else has to keep its connection`,
      group,
    );
}

/** Who revokes takes back that somebody put off the cut. */
function keptNoLonger(before: ConnectionRecord | undefined, now: Date): string[] {
  const kept = before?.kept;
  if (!kept || before?.revocation?.cutAt !== kept.until || new Date(kept.until) <= now) return [];
  const reason = kept.reason === undefined ? '' : ` (${kept.reason})`;
  return [`${before.endpointId} was kept until ${kept.until} by ${kept.by}${reason}, which holds no longer`];
}

function viewOfRevocation({
  endpointId,
  serviceId,
  ownerAccountId,
  state,
  verdict,
  revocation,
  kept,
}: ConnectionRecord) {
  return {
    endpointId,
    serviceId,
    ownerAccountId,
    state,
    ...(verdict && { verdict: verdict.outcome, reason: reasonOf(verdict) }),
    ...revocation,
    ...(kept && { kept }),
  };
}

/** Revoking is about one connection: what the allowlist says of its account stays. */
async function mayReturn(record: ConnectionRecord, { table }: Api): Promise<string[]> {
  const { entries, service } = consult(record, byKey(await table.get(policyKeys(record))));
  const isBlocked = entries.some(({ effect }) => effect === 'block');
  if (isBlocked || entryThatCounts({ entries })?.effect !== 'allow') return [];
  const { ownerAccountId: account, serviceId } = record;
  const name = service?.name ?? serviceId;
  const at = shellWord(name);
  return [
    `account ${account} is still allowed at ${name}, so that it may connect again with a new endpoint: linkgate block ${account} --service ${at}, or linkgate forget ${account} --service ${at}`,
  ];
}

/** What keeps EC2 from being asked to cut it when its time has come. */
async function whatKeepsIt({ verdict }: ConnectionRecord, { mode }: Api): Promise<string[]> {
  if ((await mode()) === 'observe')
    return ["linkgate's mode is observe: it is recorded, and EC2 is left as it is until `linkgate mode act`"];
  return verdict && isStopped(verdict) ? [`nothing is cut for now: ${reasonOf(verdict)}`] : [];
}
