import { defaultGroup, isKnownGroup } from '../../approvers/approver-group.ts';
import { approvePrincipals } from '../../services/allowed-principals/approve.ts';
import { deregisterService } from '../../services/deregister-service.ts';
import { changeService, pauseService, resumeService } from '../../services/pause.ts';
import { registerService, removeService } from '../../services/register-service.ts';
import { listRegisteredServices } from '../../services/registered-services.ts';
import type { Service } from '../../services/service.ts';
import { listUnregisteredServices } from '../../services/unregistered-services.ts';
import { trackIdentity } from '../../storage/table-identity.ts';
import { shellWord } from '../../values/shell-word.ts';
import { ApiError } from '../api-error.ts';
import { identifyCaller, warnPolicyFileOverride } from '../caller.ts';
import type { ApiApp, ApiDeps } from '../env.ts';
import { alreadyRemovedWarning, isPossibleRetry } from '../idempotency-key.ts';
import {
  PauseInput,
  PrincipalsInput,
  RegisterInput,
  readBody,
  ServicesQuery,
  validateInput,
} from '../input.ts';
import { findService, requireService, unknownGroupError } from '../lookup.ts';
import { noImpact, orPredictionWarning, predictServiceChange } from '../predict-change.ts';
import { readPrincipalsView } from '../principals-view.ts';
import { warnRemainingEntries } from '../responses.ts';
import { pathParameter } from '../route.ts';
import { serviceView, unregisteredServiceView } from '../views.ts';

export function servicesRoutes(app: ApiApp): void {
  app.get('/services', async (context) => {
    const api = context.get('api');
    const { unregistered, nextToken } = validateInput(ServicesQuery, context.req.query(), 'the query');
    if (unregistered === 'true') {
      const page = await listUnregisteredServices(nextToken, api);
      return context.json({ ...page, services: page.services.map(unregisteredServiceView) });
    }
    const services = await listRegisteredServices(api);
    return context.json({ services: services.map(serviceView) });
  });
  app.post('/services', async (context) => {
    const api = context.get('api');
    const input = validateInput(RegisterInput, await readBody(context), 'the registration');
    await requireApproverGroups(input.approvers, api);
    const before = await findService(input.serviceId, api);
    // A request with only the service id repairs drift, and changes no setting of the policy file.
    const isChanged = !before || Object.keys(input).length > 1;
    const registration = isChanged ? { ...input, managedBy: identifyCaller(context) } : input;
    const { service, warnings } = await registerService(registration, api.caller, api);
    const overrideWarnings = isChanged ? warnPolicyFileOverride(before, 'service') : [];
    return context.json({ service: serviceView(service), warnings: [...overrideWarnings, ...warnings] });
  });
  app.get('/services/:service', async (context) =>
    context.json({
      service: serviceView(await requireService(pathParameter(context, 'service'), context.get('api'))),
    }),
  );
  app.delete('/services/:service', async (context) => {
    const api = context.get('api');
    const idOrName = pathParameter(context, 'service');
    const service = await (isPossibleRetry(context) ? findService : requireService)(idOrName, api);
    if (!service) return context.json({ warnings: [alreadyRemovedWarning] });
    const removalWarnings = await removeService(service, api);
    const warnings = [...removalWarnings, ...(await warnRemainingEntries(service, api))];
    return context.json({ service: serviceView(service), warnings });
  });
  app.post('/services/:service/disconnect', async (context) => {
    const api = context.get('api');
    const registeredService = await requireService(pathParameter(context, 'service'), api);
    await requireDisconnectPossible(registeredService, api);
    await trackIdentity(api);
    const { serviceId } = registeredService;
    const service = (await deregisterService(serviceId, api.caller, api)) ?? throwUnregistered(serviceId);
    if (!api.isDryRun) return context.json({ service: serviceView(service) });
    const { accepts: _none, ...prediction } = await predictServiceChange(service, api);
    return context.json({ service: serviceView(service), ...prediction });
  });
  app.get('/services/:service/principals', async (context) => {
    const api = context.get('api');
    const service = await requireService(pathParameter(context, 'service'), api);
    return context.json({ principals: await readPrincipalsView(service, api) });
  });
  app.post('/services/:service/principals/approval', async (context) => {
    const api = context.get('api');
    const { removals } = validateInput(PrincipalsInput, await readBody(context), 'the approval');
    const { serviceId, name, principals } = await requireService(pathParameter(context, 'service'), api);
    if (principals !== 'managed')
      throw new ApiError(409, 'Conflict', `the principals of ${name} are only observed: set them to managed`);
    const service = await changeService(serviceId, api.caller, api, (before) =>
      approvePrincipals(before, api.caller, api.now(), removals),
    );
    return context.json({ service: serviceView(service ?? throwUnregistered(serviceId)) });
  });
  app.post('/services/:service/pause', async (context) => {
    const api = context.get('api');
    const input = validateInput(PauseInput, await readBody(context), 'the pause');
    const { serviceId } = await requireService(pathParameter(context, 'service'), api);
    const service = await pauseService(serviceId, { ...input, by: api.caller }, api);
    return context.json({ service: serviceView(service ?? throwUnregistered(serviceId)) });
  });
  app.post('/services/:service/resume', async (context) => {
    const api = context.get('api');
    const before = await requireService(pathParameter(context, 'service'), api);
    const service =
      (await resumeService(before.serviceId, api.caller, api)) ?? throwUnregistered(before.serviceId);
    const { disconnects, warnings } = await orPredictionWarning(api, async () =>
      before.pausedAt === undefined ? noImpact : predictServiceChange(service, api),
    );
    return context.json({ service: serviceView(service), disconnects, warnings });
  });
}

/** @throws ApiError if linkgate would disconnect nothing, and the removal would never finish. */
async function requireDisconnectPossible({ name, pausedAt }: Service, { mode }: ApiDeps): Promise<void> {
  if (pausedAt !== undefined)
    throw new ApiError(
      409,
      'Conflict',
      `${name} is paused, so linkgate disconnects nothing of it: linkgate resume ${shellWord(name)}`,
    );
  if ((await mode()) === 'observe')
    throw new ApiError(
      409,
      'Conflict',
      "linkgate's mode is observe, so it disconnects nothing: linkgate mode enforce",
    );
}

/** @throws ApiError if the approver group does not exist. */
async function requireApproverGroups(approvers: string | undefined, { table }: ApiDeps): Promise<void> {
  if (!(await isKnownGroup(defaultGroup, table)))
    throw new ApiError(409, 'NotSetUp', 'linkgate is not set up yet; run this first: linkgate setup');
  if (approvers !== undefined && !(await isKnownGroup(approvers, table))) throw unknownGroupError(approvers);
}

/** Throws after a concurrent request has deregistered the service. */
function throwUnregistered(serviceId: string): never {
  throw new ApiError(404, 'UnknownService', `${serviceId} is not registered any more`);
}
