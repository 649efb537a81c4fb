import { type Context, Hono } from 'hono';
import * as v from 'valibot';
import { changeEntry, entriesFor, removeEntry } from '../allowlist/entries.ts';
import { everyService } from '../allowlist/entry.ts';
import { isGroup } from '../approval/approver-group.ts';
import { decideByPerson } from '../approval/decide-by-person.ts';
import { ServiceId } from '../connection/connection.ts';
import type { Deciding } from '../connection/decide-connections.ts';
import { explain } from '../connection/explain.ts';
import { listConnections, MalformedTokenError } from '../connection/list-connections.ts';
import {
  NameTakenError,
  OtherStageError,
  type Registering,
  registerService,
  ServiceNotFoundError,
  unregisterService,
} from '../service/register-service.ts';
import { placesIn, placesOf, registeredServices } from '../service/registered-services.ts';
import type { Service } from '../service/service.ts';
import { type SettingUp, setUp } from '../setup.ts';
import { findJob, type Job, resultOf, startJob } from '../sweep/job.ts';
import type { Sweeps } from '../sweep/sweeps.ts';
import { ContendedError } from '../table/contention.ts';
import { closedBy, consequencesOf, leftBehind, notOpen } from './answers.ts';
import { ApiError } from './api-error.ts';
import {
  AccountId,
  ConnectionsQuery,
  DecisionInput,
  EndpointId,
  EntryInput,
  RegisterInput,
  valid,
} from './input.ts';

export interface Api extends Deciding, Registering, SettingUp {
  readonly sweeps: Sweeps;
  readonly id: () => string;
  /** The authenticated caller's ARN: from the request's authentication, never from its body. */
  readonly caller: string;
}

type Env = { Variables: { api: Api } };

/** linkgate's HTTP API. Each request brings what it runs with. */
export function apiRoutes(apiFor: (context: Context) => Api): Hono<Env> {
  const app = new Hono<Env>();
  app.use(async (context, next) => {
    context.set('api', apiFor(context));
    await next();
  });
  app.onError((error, context) => {
    const known = answerTo(error);
    if (!known) context.get('api').report(error);
    const { status, code, message, details } = known ?? {
      status: 500 as const,
      code: 'InternalError',
      message:
        'linkgate failed, and the log of on-api-request says why; look what is there before you try again',
      details: undefined,
    };
    return context.json({ error: { code, message, ...(details && { details }) } }, status);
  });
  app.notFound((context) =>
    context.json(
      { error: { code: 'NotFound', message: `there is no ${context.req.method} ${context.req.path}` } },
      404,
    ),
  );

  app.post('/setup', async (context) => context.json({ done: await setUp(context.get('api')) }));

  app.get('/services', async (context) => {
    const services = await registeredServices(context.get('api').table);
    return context.json({ services: services.map(viewOfService) });
  });
  app.post('/services', async (context) => {
    const api = context.get('api');
    const input = valid(RegisterInput, await bodyOf(context), 'the registration');
    if (input.approvers !== undefined && !(await isGroup(input.approvers, api.table)))
      throw new ApiError(400, 'InvalidRequest', `there is no approver group \`${input.approvers}\``);
    const { service, warnings } = await registerService(input, api.caller, api);
    return context.json({ service: viewOfService(service), warnings });
  });
  app.get('/services/:service', async (context) =>
    context.json({
      service: viewOfService(await serviceNamed(context.req.param('service'), context.get('api'))),
    }),
  );
  app.delete('/services/:service', async (context) => {
    const api = context.get('api');
    const service = await serviceNamed(context.req.param('service'), api);
    await unregisterService(service, api);
    return context.json({ service: viewOfService(service), warnings: await leftBehind(service, api.table) });
  });

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
    if (!entry)
      throw new ApiError(
        404,
        'UnknownEntry',
        `account ${whose.accountId} has no entry at ${whose.serviceId}; see \`linkgate allowlist\``,
      );
    return context.json({ entry, warnings: await consequencesOf('forget', whose, api) });
  });

  app.get('/connections', async (context) => {
    const api = context.get('api');
    const query = valid(ConnectionsQuery, context.req.query(), 'the question');
    const services =
      query.service === undefined
        ? await registeredServices(api.table)
        : [await serviceNamed(query.service, api)];
    const isContradicted =
      query.waiting === 'true' && (query.state ?? 'pendingAcceptance') !== 'pendingAcceptance';
    if (isContradicted)
      throw new ApiError(
        400,
        'InvalidRequest',
        'what waits for a person is pendingAcceptance: ask for either, not for both',
      );
    const listing = {
      places: placesIn(services),
      serviceIds: services.map(({ serviceId }) => serviceId),
      state: query.state,
      waiting: query.waiting === 'true',
    };
    const page = await listConnections(listing, query.nextToken, api);
    return context.json({ ...page, connections: withNames(page.connections, services) });
  });
  app.get('/connections/:endpointId', async (context) => {
    const endpointId = endpointNamed(context);
    const explanation = await explain(endpointId, context.get('api'));
    if (!explanation) throw unknownEndpoint(endpointId);
    return context.json(explanation);
  });
  app.post('/connections/:endpointId/decision', async (context) => {
    const api = context.get('api');
    const endpointId = endpointNamed(context);
    const { decision, reason } = valid(DecisionInput, await bodyOf(context), 'the decision');
    const word = { decision, by: api.caller, ...(reason !== undefined && { reason }) };
    const result = await decideByPerson(endpointId, word, api);
    if (result.status === 'unknown') throw unknownEndpoint(endpointId);
    if (result.status === 'not-open') throw notOpen(endpointId, closedBy(result));
    const { approval, record } = result;
    return context.json({ decision: { endpointId, ...approval, verdict: record.verdict?.outcome } });
  });

  app.post('/sweeps', async (context) => {
    const api = context.get('api');
    const places = await placesOf(api.table);
    const job = await startJob(api.id(), places, api.caller, api);
    for (const place of places) await api.sweeps.request({ place, pass: 'full', jobId: job.jobId });
    return context.json({ job: viewOfJob(job) }, 202);
  });
  app.get('/jobs/:jobId', async (context) => {
    const job = await findJob(context.req.param('jobId'), context.get('api').table);
    if (!job) throw new ApiError(404, 'UnknownJob', 'there is no such job; a job is forgotten after a day');
    return context.json({ job: viewOfJob(job) });
  });
  return app;
}

function answerTo(error: unknown): ApiError | undefined {
  if (error instanceof ApiError) return error;
  if (error instanceof ServiceNotFoundError) return new ApiError(404, 'UnknownService', error.message);
  if (error instanceof NameTakenError) return new ApiError(400, 'NameTaken', error.message);
  if (error instanceof OtherStageError) return new ApiError(409, 'Conflict', error.message);
  if (error instanceof MalformedTokenError) return new ApiError(400, 'InvalidRequest', error.message);
  if (error instanceof ContendedError) return new ApiError(409, 'Conflict', `${error.message}; try again`);
  return undefined;
}

/** Beside each service's id its own name, which is what people know it by. */
function withNames<T extends { readonly serviceId: string }>(of: readonly T[], services: readonly Service[]) {
  const names = new Map(services.map(({ serviceId, name }) => [serviceId, name]));
  return of.map((each) => {
    const service = names.get(each.serviceId);
    return { ...(service !== undefined && { service }), ...each };
  });
}

function isPast(time: string | undefined, now: Date): boolean {
  return time !== undefined && new Date(time) <= now;
}

async function bodyOf(context: Context): Promise<unknown> {
  try {
    return await context.req.json();
  } catch {
    throw new ApiError(400, 'InvalidRequest', 'the body is not JSON');
  }
}

function viewOfService({ place, revision: _revision, version: _version, ...service }: Service) {
  return { ...service, ...place };
}

function viewOfJob(job: Job) {
  const { jobId, status, startedAt, startedBy, finishedAt } = job;
  return {
    jobId,
    status,
    startedAt,
    startedBy,
    ...(finishedAt !== undefined && { finishedAt }),
    ...(status === 'succeeded' && { result: resultOf(job) }),
  };
}

/** A service by its id or by its own name. */
async function serviceNamed(idOrName: string, { table }: Api): Promise<Service> {
  const services = await registeredServices(table);
  const service = services.find(({ serviceId, name }) => serviceId === idOrName || name === idOrName);
  if (service) return service;
  const known = services.map(({ name }) => name).join(', ') || 'none yet';
  throw new ApiError(
    404,
    'UnknownService',
    `no service \`${idOrName}\` is registered (registered: ${known})`,
  );
}

async function scopeNamed(service: string, api: Api): Promise<string> {
  return service === everyService ? everyService : (await serviceNamed(service, api)).serviceId;
}

/** Entries outlive their service: of one that is no longer registered they are named by its id. */
async function entriesNamed(service: string, api: Api): Promise<string> {
  return v.is(ServiceId, service) ? service : scopeNamed(service, api);
}

async function whoseEntry(context: Context, api: Api, named: typeof scopeNamed) {
  const accountId = valid(AccountId, context.req.param('accountId'), 'the account id');
  return { accountId, serviceId: await named(context.req.param('service') ?? '', api) };
}

function endpointNamed(context: Context): string {
  return valid(EndpointId, context.req.param('endpointId'), 'the endpoint id');
}

function unknownEndpoint(endpointId: string): ApiError {
  return new ApiError(
    404,
    'UnknownEndpoint',
    `neither EC2 nor linkgate knows a connection of \`${endpointId}\` to a registered service; see \`linkgate connections\``,
  );
}
