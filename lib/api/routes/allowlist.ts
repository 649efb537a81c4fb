import { putEntry, readEntries, removeEntry } from '../../allowlist/entries.ts';
import { type AllowlistEntry, allServicesScope, entryKey, readEntry } from '../../allowlist/entry.ts';
import { withCustomerNames } from '../../customers/customer-names.ts';
import { listRegisteredServices } from '../../services/registered-services.ts';
import { parseEach, rethrow } from '../../storage/entity.ts';
import { trackIdentity } from '../../storage/table-identity.ts';
import { ApiError, invalidRequestError } from '../api-error.ts';
import type { ApiDeps } from '../env.ts';
import { alreadyRemovedWarning } from '../idempotency-key.ts';
import { AccountId, AllowlistQuery, EntryInput, validateInput } from '../input.ts';
import { requireScope, resolveEntryScope } from '../lookup.ts';
import { warnNextApplyRestores, warnPolicyFileOverride } from '../policy-file-warnings.ts';
import { orPredictionWarning, predictEntryChange } from '../predict-change.ts';
import type { ApiRequest, Routes } from '../request.ts';
import { withServiceNames } from '../views.ts';

export const allowlistRoutes: Routes = {
  'GET /allowlist': async (request, api) => {
    const { service, account } = request.query(AllowlistQuery);
    const services = await listRegisteredServices(api);
    const serviceIds =
      service === undefined
        ? [allServicesScope, ...services.map(({ serviceId }) => serviceId)]
        : [await resolveEntryScope(service, api)];
    const entries =
      account === undefined
        ? await readEntries(serviceIds, api)
        : await findAccountEntries(account, serviceIds, api);
    return {
      entries: await withCustomerNames(withServiceNames(entries, services), (entry) => entry.accountId, api),
    };
  },
  'PUT /allowlist/{service}/{accountId}': async (request, api) => {
    const input = await request.body(EntryInput, 'the entry');
    const entryTarget = await parseEntryTarget(request, api, requireScope);
    if (input.effect === 'allow' && isInPast(input.expiresAt, api.now()))
      throw invalidRequestError(`the expiry \`${input.expiresAt}\` is in the past; give a later one`);
    const strict = { ...api, reportError: rethrow };
    const [before] = await findAccountEntries(entryTarget.accountId, [entryTarget.serviceId], strict);
    if (input.effect === 'block') await trackIdentity(api);
    const { managedBy } = request;
    const customer = before?.customer === undefined ? {} : { customer: before.customer };
    const entry = await putEntry({ ...entryTarget, ...input, ...customer, managedBy }, api.caller, api);
    const { warnings, ...prediction } = await orPredictionWarning(api, () =>
      predictEntryChange(entryTarget, entry.effect === 'allow', api),
    );
    return {
      entry,
      ...prediction,
      warnings: [...warnPolicyFileOverride(before, 'entry'), ...warnReplacedNote(before, entry), ...warnings],
    };
  },
  'DELETE /allowlist/{service}/{accountId}': async (request, api) => {
    const entryTarget = await parseEntryTarget(request, api, resolveEntryScope);
    const entry = await removeEntry(entryTarget, api);
    if (!entry && !request.isPossibleRetry)
      throw new ApiError(
        404,
        'UnknownEntry',
        `account ${entryTarget.accountId} has no entry at ${request.parameter('service')}; see \`linkgate allowlist\``,
      );
    const { disconnects, warnings } = await orPredictionWarning(api, () =>
      predictEntryChange(entryTarget, false, api),
    );
    const first = entry ? warnNextApplyRestores(entry, 'entry') : [alreadyRemovedWarning];
    return { ...(entry && { entry }), disconnects, warnings: [...first, ...warnings] };
  },
};

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

async function parseEntryTarget(request: ApiRequest, api: ApiDeps, resolveScope: typeof requireScope) {
  const accountId = validateInput(AccountId, request.parameter('accountId'), 'the account id');
  return { accountId, serviceId: await resolveScope(request.parameter('service'), api) };
}

function isInPast(time: string | undefined, now: Date): boolean {
  return time !== undefined && new Date(time) <= now;
}
