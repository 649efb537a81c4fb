import {
  defaultGroup,
  emptyGroup,
  findGroup,
  isKnownGroup,
  listApproverGroups,
  removeGroup,
  setGroup,
} from '../../approvers/approver-group.ts';
import { subscribeGroup } from '../../channels/email/subscribe-group.ts';
import { listRegisteredServices } from '../../services/registered-services.ts';
import { listIfAllReadable, rethrow } from '../../storage/entity.ts';
import { ApiError, invalidRequestError } from '../api-error.ts';
import type { ApiDeps } from '../env.ts';
import { alreadyRemovedWarning } from '../idempotency-key.ts';
import { ApproversInput, GroupName, validateInput } from '../input.ts';
import { unknownGroupError } from '../lookup.ts';
import { warnNextApplyRestores, warnPolicyFileOverride } from '../policy-file-warnings.ts';
import type { ApiRequest, Routes } from '../request.ts';
import { withoutVersion } from '../views.ts';

export const approversRoutes: Routes = {
  'GET /approvers': async (_request, api) => ({
    groups: (await listApproverGroups(api)).map(withoutVersion),
  }),
  'GET /approvers/{group}': async (request, api) => {
    const name = requireGroupName(request);
    const group = await findGroup(name, api.table);
    if (!group) throw unknownGroupError(name);
    return { group: withoutVersion(group) };
  },
  'PUT /approvers/{group}': async (request, api) => {
    const name = requireGroupName(request);
    const settings = await request.body(ApproversInput, 'the group');
    await requireEscalation(name, settings.escalateTo, api);
    const before = await findGroup(name, api.table);
    const group = await setGroup(name, { ...settings, managedBy: request.managedBy }, api.caller, api);
    const warnings = await subscribeGroup(group, await listIfAllReadable(listApproverGroups, api), api);
    return {
      group: withoutVersion(group),
      warnings: [...warnPolicyFileOverride(before, 'group'), ...warnings],
    };
  },
  'DELETE /approvers/{group}': async (request, api) => {
    const name = requireGroupName(request);
    const group = await findGroup(name, api.table);
    if (!group && request.isPossibleRetry) return { warnings: [alreadyRemovedWarning] };
    if (!group) throw unknownGroupError(name);
    await requireUnused(name, api);
    await removeGroup(group, api.table);
    const remaining = await listIfAllReadable(listApproverGroups, api);
    const warnings = await subscribeGroup(emptyGroup(name), remaining, api);
    return {
      group: withoutVersion(group),
      warnings: [...warnNextApplyRestores(group, 'group'), ...warnings],
    };
  },
};

/** @throws ApiError if the path's `{group}` is not a valid group name. */
function requireGroupName(request: ApiRequest): string {
  return validateInput(GroupName, request.parameter('group'), 'the name of the group');
}

/** @throws ApiError if a service or another group names it, or if an item that may name it is unreadable. */
async function requireUnused(name: string, { table }: ApiDeps): Promise<void> {
  const inUse = (message: string) => new ApiError(409, 'GroupInUse', message);
  if (name === defaultGroup)
    throw inUse(`the group ${defaultGroup} stays: a service asks it unless it names another`);
  const deps = { table, reportError: rethrow };
  const [services, groups] = await Promise.all([listRegisteredServices(deps), listApproverGroups(deps)]);
  const service = services.find(({ approvers }) => approvers === name);
  if (service)
    throw inUse(
      `the service ${service.name} asks the group ${name}: name another first, \`linkgate service add ${service.serviceId} --approvers ${defaultGroup}\``,
    );
  const group = groups.find(({ escalateTo }) => escalateTo === name);
  if (group)
    throw inUse(
      `the group ${group.name} escalates to ${name}: set it without that first, see \`linkgate approvers set --help\``,
    );
}

/** @throws ApiError if the escalation group is the group itself or does not exist. */
async function requireEscalation(
  name: string,
  escalateTo: string | undefined,
  { table }: ApiDeps,
): Promise<void> {
  if (escalateTo === name) throw invalidRequestError(`the group \`${name}\` cannot escalate to itself`);
  if (escalateTo !== undefined && !(await isKnownGroup(escalateTo, table)))
    throw unknownGroupError(escalateTo);
}
