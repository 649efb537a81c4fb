import type { Context } from 'hono';
import { putEntry, readEntries, removeEntry } from '../../allowlist/entries.ts';
import { type AllowlistEntry, allServicesScope, entryKey, readEntry } from '../../allowlist/entry.ts';
import { withCustomerNames } from '../../customers/customer-names.ts';
import { listRegisteredServices } from '../../services/registered-services.ts';
import { parseEach, rethrow } from '../../storage/entity.ts';
import { trackIdentity } from '../../storage/table-identity.ts';
import { ApiError } from '../api-error.ts';
import { identifyCaller, warnNextApplyRestores, warnPolicyFileOverride } from '../caller.ts';
import type { ApiApp, ApiDeps } from '../env.ts';
import { alreadyRemovedWarning, isPossibleRetry } from '../idempotency-key.ts';
import { AccountId, AllowlistQuery, EntryInput, readBody, validateInput } from '../input.ts';
import { requireScope, resolveEntryScope } from '../lookup.ts';
import { orPredictionWarning, predictEntryChange } from '../predict-change.ts';
import { pathParameter } from '../route.ts';
import { withServiceNames } from '../views.ts';

export function allowlistRoutes(app: ApiApp): void {
  app.get('/allowlist', async (context) => {
    const api = context.get('api');
    const { service, account } = validateInput(AllowlistQuery, context.req.query(), 'the query');
    const services = await listRegisteredServices(api);
    const serviceIds =
      service === undefined
        ? [allServicesScope, ...services.map(({ serviceId }) => serviceId)]
        : [await resolveEntryScope(service, api)];
    const entries =
      account === undefined
        ? await readEntries(serviceIds, api)
        : await findAccountEntries(account, serviceIds, api);
    return context.json({
      entries: await withCustomerNames(withServiceNames(entries, services), (entry) => entry.accountId, api),
    });
  });
  app.put('/allowlist/:service/:accountId', async (context) => {
    const api = context.get('api');
    const input = validateInput(EntryInput, await readBody(context), 'the entry');
    const entryTarget = await parseEntryTarget(context, api, requireScope);
    if (input.effect === 'allow' && isInPast(input.expiresAt, api.now()))
      throw new ApiError(
        400,
        'InvalidRequest',
        `the expiry \`${input.expiresAt}\` is in the past; give a later one`,
      );
    const [before] = await findAccountEntries(entryTarget.accountId, [entryTarget.serviceId], {
      ...api,
      reportError: rethrow,
    });
    if (input.effect === 'block') await trackIdentity(api);
    const managedBy = identifyCaller(context);
    const customer = before?.customer === undefined ? {} : { customer: before.customer };
    const entry = await putEntry({ ...entryTarget, ...input, ...customer, managedBy }, api.caller, api);
    const { warnings, ...prediction } = await orPredictionWarning(api, () =>
      predictEntryChange(entryTarget, entry.effect === 'allow', api),
    );
    return context.json({
      entry,
      ...prediction,
      warnings: [...warnPolicyFileOverride(before, 'entry'), ...warnReplacedNote(before, entry), ...warnings],
    });
  });
  app.delete('/allowlist/:service/:accountId', async (context) => {
    const api = context.get('api');
    const entryTarget = await parseEntryTarget(context, api, resolveEntryScope);
    const entry = await removeEntry(entryTarget, api);
    if (!entry && !isPossibleRetry(context))
      throw new ApiError(
        404,
        'UnknownEntry',
        `account ${entryTarget.accountId} has no entry at ${pathParameter(context, 'service')}; see \`linkgate allowlist\``,
      );
    const { disconnects, warnings } = await orPredictionWarning(api, () =>
      predictEntryChange(entryTarget, false, api),
    );
    const first = entry ? warnNextApplyRestores(entry, 'entry') : [alreadyRemovedWarning];
    return context.json({ ...(entry && { entry }), disconnects, warnings: [...first, ...warnings] });
  });
}

/** Warns that a block replaces an existing note. */
function warnReplacedNote(before: AllowlistEntry | undefined, { note }: AllowlistEntry): string[] {
  return before?.effect === 'block' && before.note !== undefined && before.note !== note
    ? [`account ${before.accountId} was blocked already; this entry replaces the note “${before.note}”`]
    : [];
}

async function findAccountEntries(
  accountId: string,
  serviceIds: readonly string[],
  { table, reportError }: Pick<ApiDeps, 'table' | 'reportError'>,
): Promise<AllowlistEntry[]> {
  const keys = serviceIds.map((serviceId) => entryKey(serviceId, accountId));
  return parseEach(await table.get(keys), readEntry, reportError);
}

async function parseEntryTarget(context: Context, api: ApiDeps, resolveScope: typeof requireScope) {
  const accountId = validateInput(AccountId, pathParameter(context, 'accountId'), 'the account id');
  return { accountId, serviceId: await resolveScope(pathParameter(context, 'service'), api) };
}

function isInPast(time: string | undefined, now: Date): boolean {
  return time !== undefined && new Date(time) <= now;
}
