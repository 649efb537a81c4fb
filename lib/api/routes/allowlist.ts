import type { Context } from 'hono';
import { changeEntry, entriesFor, removeEntry } from '../../allowlist/entries.ts';
import { everyService } from '../../allowlist/entry.ts';
import { registeredServices } from '../../service/registered-services.ts';
import { consequencesOf } from '../answers.ts';
import { ApiError } from '../api-error.ts';
import type { Api, ApiApp } from '../env.ts';
import { doneAlready, mayBeDoneAlready } from '../idempotency.ts';
import { AccountId, bodyOf, EntryInput, valid } from '../input.ts';
import { entriesNamed, scopeNamed } from '../named.ts';
import { withNames } from '../views.ts';

export function allowlistRoutes(app: ApiApp): void {
  app.get('/allowlist', async (context) => {
    const api = context.get('api');
    const named = context.req.query('service');
    const services = await registeredServices(api.table);
    const serviceIds =
      named === undefined
        ? [everyService, ...services.map(({ serviceId }) => serviceId)]
        : [await entriesNamed(named, api)];
    return context.json({ entries: withNames(await entriesFor(serviceIds, api.table), services) });
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
    const entry = await changeEntry({ ...whose, ...input }, api.caller, api);
    return context.json({ entry, warnings: await consequencesOf(entry.effect, whose, api) });
  });
  app.delete('/allowlist/:service/:accountId', async (context) => {
    const api = context.get('api');
    const whose = await whoseEntry(context, api, entriesNamed);
    const entry = await removeEntry(whose, api);
    if (!entry && !mayBeDoneAlready(context))
      throw new ApiError(
        404,
        'UnknownEntry',
        `account ${whose.accountId} has no entry at ${context.req.param('service')}; see \`linkgate allowlist\``,
      );
    const warnings = await consequencesOf('forget', whose, api);
    return context.json(entry ? { entry, warnings } : { warnings: [doneAlready, ...warnings] });
  });
}

async function whoseEntry(context: Context, api: Api, named: typeof scopeNamed) {
  const accountId = valid(AccountId, context.req.param('accountId'), 'the account id');
  return { accountId, serviceId: await named(context.req.param('service') ?? '', api) };
}

function isPast(time: string | undefined, now: Date): boolean {
  return time !== undefined && new Date(time) <= now;
}
