import type { Context } from 'hono';
import { entriesFor, putEntry, removeEntry } from '../../allowlist/entries.ts';
import { type AllowlistEntry, allServicesScope, entryKey, readEntry } from '../../allowlist/entry.ts';
import { registeredServices } from '../../services/registered-services.ts';
import { parseEach, raise } from '../../storage/entity.ts';
import { trackIdentity } from '../../storage/table-identity.ts';
import { ApiError } from '../api-error.ts';
import { callerIs, overridesPolicyFile, revertedByNextApply } from '../caller.ts';
import { foreseeConsequences } from '../consequences.ts';
import type { Api, ApiApp } from '../env.ts';
import { foreseeAccepted } from '../foresee-accepted.ts';
import { AccountId, AllowlistQuery, EntryInput, readBody, validated } from '../input.ts';
import { listNamedEntries, requireScope } from '../lookup.ts';
import { maybeReplay, replayResponse } from '../replay-response.ts';
import { pathParameter } from '../route.ts';
import { withNames } from '../views.ts';

export function allowlistRoutes(app: ApiApp): void {
  app.get('/allowlist', async (context) => {
    const api = context.get('api');
    const { service, account } = validated(AllowlistQuery, context.req.query(), 'the question');
    const services = await registeredServices(api);
    const serviceIds =
      service === undefined
        ? [allServicesScope, ...services.map(({ serviceId }) => serviceId)]
        : [await listNamedEntries(service, api)];
    const entries =
      account === undefined
        ? await entriesFor(serviceIds, api)
        : await entriesOfAccount(account, serviceIds, api);
    return context.json({ entries: withNames(entries, services) });
  });
  app.put('/allowlist/:service/:accountId', async (context) => {
    const api = context.get('api');
    const input = validated(EntryInput, await readBody(context), 'the entry');
    const whose = await whoseEntry(context, api, requireScope);
    if (input.effect === 'allow' && isPast(input.expiresAt, api.now()))
      throw new ApiError(
        400,
        'InvalidRequest',
        `the expiry \`${input.expiresAt}\` is in the past; give a later one`,
      );
    const [before] = await entriesOfAccount(whose.accountId, [whose.serviceId], {
      ...api,
      reportError: raise,
    });
    if (input.effect === 'block') await trackIdentity(api);
    const managedBy = callerIs(context);
    const customer = before?.customer === undefined ? {} : { customer: before.customer };
    const entry = await putEntry({ ...whose, ...input, ...customer, managedBy }, api.caller, api);
    const { cuts, warnings } = await foreseeConsequences(entry.effect, whose, api);
    const letIn =
      entry.effect === 'allow' ? await foreseeAccepted(whose, api) : { accepts: [], warnings: [] };
    return context.json({
      entry,
      cuts,
      accepts: letIn.accepts,
      warnings: [
        ...overridesPolicyFile(before, 'entry'),
        ...noteReplaced(before, entry),
        ...new Set([...warnings, ...letIn.warnings]),
      ],
    });
  });
  app.delete('/allowlist/:service/:accountId', async (context) => {
    const api = context.get('api');
    const whose = await whoseEntry(context, api, listNamedEntries);
    const entry = await removeEntry(whose, api);
    if (!entry && !maybeReplay(context))
      throw new ApiError(
        404,
        'UnknownEntry',
        `account ${whose.accountId} has no entry at ${pathParameter(context, 'service')}; see \`linkgate allowlist\``,
      );
    const { cuts, warnings } = await foreseeConsequences('forget', whose, api);
    const first = entry ? revertedByNextApply(entry, 'entry') : [replayResponse];
    return context.json({ ...(entry && { entry }), cuts, warnings: [...first, ...warnings] });
  });
}

/** Why an account is blocked is not lost unseen. */
function noteReplaced(before: AllowlistEntry | undefined, { note }: AllowlistEntry): string[] {
  return before?.effect === 'block' && before.note !== undefined && before.note !== note
    ? [`account ${before.accountId} was blocked there already; this replaces the note “${before.note}”`]
    : [];
}

async function entriesOfAccount(
  accountId: string,
  serviceIds: readonly string[],
  { table, reportError }: Pick<Api, 'table' | 'reportError'>,
): Promise<AllowlistEntry[]> {
  const keys = serviceIds.map((serviceId) => entryKey(serviceId, accountId));
  return parseEach(await table.get(keys), readEntry, reportError);
}

async function whoseEntry(context: Context, api: Api, named: typeof requireScope) {
  const accountId = validated(AccountId, pathParameter(context, 'accountId'), 'the account id');
  return { accountId, serviceId: await named(pathParameter(context, 'service'), api) };
}

function isPast(time: string | undefined, now: Date): boolean {
  return time !== undefined && new Date(time) <= now;
}
