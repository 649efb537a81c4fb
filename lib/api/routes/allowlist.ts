import type { Context } from 'hono';
import { changeEntry, entriesFor, removeEntry } from '../../allowlist/entries.ts';
import { type AllowlistEntry, entryKey, everyService, readEntry } from '../../allowlist/entry.ts';
import { registeredServices } from '../../service/registered-services.ts';
import { raise, readEach } from '../../table/item.ts';
import { lineageOf } from '../../table/lineage.ts';
import { acceptsOf } from '../accepts.ts';
import { ApiError } from '../api-error.ts';
import { callerIs, putBackByFile, takenFromFile } from '../caller.ts';
import { consequencesOf } from '../consequences.ts';
import type { Api, ApiApp } from '../env.ts';
import { doneAlready, mayBeDoneAlready } from '../idempotency.ts';
import { AccountId, AllowlistQuery, bodyOf, EntryInput, valid } from '../input.ts';
import { entriesNamed, scopeNamed } from '../named.ts';
import { pathParameter } from '../route.ts';
import { withNames } from '../views.ts';

export function allowlistRoutes(app: ApiApp): void {
  app.get('/allowlist', async (context) => {
    const api = context.get('api');
    const { service, account } = valid(AllowlistQuery, context.req.query(), 'the question');
    const services = await registeredServices(api);
    const serviceIds =
      service === undefined
        ? [everyService, ...services.map(({ serviceId }) => serviceId)]
        : [await entriesNamed(service, api)];
    const entries =
      account === undefined
        ? await entriesFor(serviceIds, api)
        : await entriesOfAccount(account, serviceIds, api);
    return context.json({ entries: withNames(entries, services) });
  });
  app.put('/allowlist/:service/:accountId', async (context) => {
    const api = context.get('api');
    const input = valid(EntryInput, await bodyOf(context), 'the entry');
    const whose = await whoseEntry(context, api, scopeNamed);
    if (input.effect === 'allow' && isPast(input.expiresAt, api.now()))
      throw new ApiError(
        400,
        'InvalidRequest',
        `the expiry \`${input.expiresAt}\` is in the past; give a later one`,
      );
    const [before] = await entriesOfAccount(whose.accountId, [whose.serviceId], { ...api, report: raise });
    if (input.effect === 'block') await lineageOf(api);
    const managedBy = callerIs(context);
    const customer = before?.customer === undefined ? {} : { customer: before.customer };
    const entry = await changeEntry({ ...whose, ...input, ...customer, managedBy }, api.caller, api);
    const { cuts, warnings } = await consequencesOf(entry.effect, whose, api);
    const letIn = entry.effect === 'allow' ? await acceptsOf(whose, api) : { accepts: [], warnings: [] };
    return context.json({
      entry,
      cuts,
      accepts: letIn.accepts,
      warnings: [
        ...takenFromFile(before, 'entry'),
        ...noteReplaced(before, entry),
        ...new Set([...warnings, ...letIn.warnings]),
      ],
    });
  });
  app.delete('/allowlist/:service/:accountId', async (context) => {
    const api = context.get('api');
    const whose = await whoseEntry(context, api, entriesNamed);
    const entry = await removeEntry(whose, api);
    if (!entry && !mayBeDoneAlready(context))
      throw new ApiError(
        404,
        'UnknownEntry',
        `account ${whose.accountId} has no entry at ${pathParameter(context, 'service')}; see \`linkgate allowlist\``,
      );
    const { cuts, warnings } = await consequencesOf('forget', whose, api);
    const first = entry ? putBackByFile(entry, 'entry') : [doneAlready];
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
  { table, report }: Pick<Api, 'table' | 'report'>,
): Promise<AllowlistEntry[]> {
  const keys = serviceIds.map((serviceId) => entryKey(serviceId, accountId));
  return readEach(await table.get(keys), readEntry, report);
}

async function whoseEntry(context: Context, api: Api, named: typeof scopeNamed) {
  const accountId = valid(AccountId, pathParameter(context, 'accountId'), 'the account id');
  return { accountId, serviceId: await named(pathParameter(context, 'service'), api) };
}

function isPast(time: string | undefined, now: Date): boolean {
  return time !== undefined && new Date(time) <= now;
}
