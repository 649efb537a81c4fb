import type { Context } from 'hono';
import {
  type ApproverGroup,
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
import { ApiError } from '../api-error.ts';
import { identifyCaller, warnNextApplyRestores, warnPolicyFileOverride } from '../caller.ts';
import type { ApiApp, ApiDeps, ApiEnv } from '../env.ts';
import { alreadyRemovedWarning, isPossibleRetry } from '../idempotency-key.ts';
import { ApproversInput, GroupName, readBody, validateInput } from '../input.ts';
import { unknownGroupError } from '../lookup.ts';
import { pathParameter } from '../route.ts';

export function approversRoutes(app: ApiApp): void {
  app.get('/approvers', async (context) =>
    context.json({ groups: (await listApproverGroups(context.get('api'))).map(groupView) }),
  );
  app.get('/approvers/:group', async (context) => {
    const name = requireGroupName(context);
    const group = await findGroup(name, context.get('api').table);
    if (!group) throw unknownGroupError(name);
    return context.json({ group: groupView(group) });
  });
  app.put('/approvers/:group', async (context) => {
    const api = context.get('api');
    const name = requireGroupName(context);
    const settings = validateInput(ApproversInput, await readBody(context), 'the group');
    await requireEscalation(name, settings.escalateTo, api);
    const before = await findGroup(name, api.table);
    const managedBy = identifyCaller(context);
    const group = await setGroup(name, { ...settings, managedBy }, api.caller, api);
    const warnings = await subscribeGroup(group, await listIfAllReadable(listApproverGroups, api), api);
    return context.json({
      group: groupView(group),
      warnings: [...warnPolicyFileOverride(before, 'group'), ...warnings],
    });
  });
  app.delete('/approvers/:group', async (context) => {
    const api = context.get('api');
    const name = requireGroupName(context);
    const group = await findGroup(name, api.table);
    if (!group) {
      if (isPossibleRetry(context)) return context.json({ warnings: [alreadyRemovedWarning] });
      throw unknownGroupError(name);
    }
    await requireUnused(name, api);
    await removeGroup(group, api.table);
    const warnings = await subscribeGroup(
      emptyGroup(name),
      await listIfAllReadable(listApproverGroups, api),
      api,
    );
    return context.json({
      group: groupView(group),
      warnings: [...warnNextApplyRestores(group, 'group'), ...warnings],
    });
  });
}

/** @throws ApiError if the path's `{group}` is not a valid group name. */
function requireGroupName(context: Context<ApiEnv>): string {
  return validateInput(GroupName, pathParameter(context, 'group'), 'the name of the group');
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
  if (escalateTo === name)
    throw new ApiError(400, 'InvalidRequest', `the group \`${name}\` cannot escalate to itself`);
  if (escalateTo !== undefined && !(await isKnownGroup(escalateTo, table)))
    throw unknownGroupError(escalateTo);
}

function groupView({ version: _version, ...group }: ApproverGroup) {
  return group;
}
