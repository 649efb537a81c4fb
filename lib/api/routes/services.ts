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
import { ApiError, conflictError } from '../api-error.ts';
import type { ApiDeps } from '../env.ts';
import { alreadyRemovedWarning } from '../idempotency-key.ts';
import { PauseInput, PrincipalsInput, RegisterInput, ServicesQuery } from '../input.ts';
import { findService, requireService, unknownGroupError } from '../lookup.ts';
import { warnPolicyFileOverride } from '../policy-file-warnings.ts';
import { noImpact, orPredictionWarning, predictServiceChange } from '../predict-change.ts';
import { readPrincipalsView } from '../principals-view.ts';
import type { Routes } from '../request.ts';
import { warnRemainingEntries } from '../responses.ts';
import { serviceView, unregisteredServiceView } from '../views.ts';

export const servicesRoutes: Routes = {
  'GET /services': async (request, api) => {
    const { unregistered, nextToken } = request.query(ServicesQuery);
    if (unregistered === 'true') {
      const page = await listUnregisteredServices(nextToken, api);
      return { ...page, services: page.services.map(unregisteredServiceView) };
    }
    const services = await listRegisteredServices(api);
    return { services: services.map(serviceView) };
  },
  'POST /services': async (request, api) => {
    const input = await request.body(RegisterInput, 'the registration');
    await requireApproverGroups(input.approvers, api);
    const before = await findService(input.serviceId, api);
    // A request with only the service id repairs drift, and changes no setting of the policy file.
    const isChanged = !before || Object.keys(input).length > 1;
    const registration = isChanged ? { ...input, managedBy: request.managedBy } : input;
    const { service, warnings } = await registerService(registration, api.caller, api);
    const overrideWarnings = isChanged ? warnPolicyFileOverride(before, 'service') : [];
    return { service: serviceView(service), warnings: [...overrideWarnings, ...warnings] };
  },
  'GET /services/{service}': async (request, api) => ({
    service: serviceView(await requireService(request.parameter('service'), api)),
  }),
  'DELETE /services/{service}': async (request, api) => {
    const idOrName = request.parameter('service');
    const service = await (request.isPossibleRetry ? findService : requireService)(idOrName, api);
    if (!service) return { warnings: [alreadyRemovedWarning] };
    const removalWarnings = await removeService(service, api);
    const warnings = [...removalWarnings, ...(await warnRemainingEntries(service, api))];
    return { service: serviceView(service), warnings };
  },
  'POST /services/{service}/disconnect': async (request, api) => {
    const registeredService = await requireService(request.parameter('service'), api);
    await requireDisconnectPossible(registeredService, api);
    await trackIdentity(api);
    const { serviceId } = registeredService;
    const service = (await deregisterService(serviceId, api.caller, api)) ?? throwUnregistered(serviceId);
    if (!api.isDryRun) return { service: serviceView(service) };
    const { accepts: _none, ...prediction } = await predictServiceChange(service, api);
    return { service: serviceView(service), ...prediction };
  },
  'GET /services/{service}/principals': async (request, api) => {
    const service = await requireService(request.parameter('service'), api);
    return { principals: await readPrincipalsView(service, api) };
  },
  'POST /services/{service}/principals/approval': async (request, api) => {
    const { removals } = await request.body(PrincipalsInput, 'the approval');
    const { serviceId, name, principals } = await requireService(request.parameter('service'), api);
    if (principals !== 'managed')
      throw conflictError(`the principals of ${name} are only observed: set them to managed`);
    const service = await changeService(serviceId, api.caller, api, (before) =>
      approvePrincipals(before, api.caller, api.now(), removals),
    );
    return { service: serviceView(service ?? throwUnregistered(serviceId)) };
  },
  'POST /services/{service}/pause': async (request, api) => {
    const input = await request.body(PauseInput, 'the pause');
    const { serviceId } = await requireService(request.parameter('service'), api);
    const service = await pauseService(serviceId, { ...input, by: api.caller }, api);
    return { service: serviceView(service ?? throwUnregistered(serviceId)) };
  },
  'POST /services/{service}/resume': async (request, api) => {
    const before = await requireService(request.parameter('service'), api);
    const service =
      (await resumeService(before.serviceId, api.caller, api)) ?? throwUnregistered(before.serviceId);
    const { disconnects, warnings } = await orPredictionWarning(api, async () =>
      before.pausedAt === undefined ? noImpact : predictServiceChange(service, api),
    );
    return { service: serviceView(service), disconnects, warnings };
  },
};

/** @throws ApiError if linkgate would disconnect nothing, and the removal would never finish. */
async function requireDisconnectPossible({ name, pausedAt }: Service, { mode }: ApiDeps): Promise<void> {
  if (pausedAt !== undefined)
    throw conflictError(
      `${name} is paused, so linkgate disconnects nothing of it: linkgate resume ${shellWord(name)}`,
    );
  if ((await mode()) === 'observe')
    throw conflictError("linkgate's mode is observe, so it disconnects nothing: linkgate mode enforce");
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
