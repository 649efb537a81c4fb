import {
  type ApproverGroup,
  findGroup,
  isKnownGroup,
  listApproverGroups,
  setGroup,
} from '../../approvers/approver-group.ts';
import { subscribeGroup } from '../../channels/email/subscribe-group.ts';
import { listIfAllReadable } from '../../storage/entity.ts';
import { ApiError } from '../api-error.ts';
import { callerIs, overridesPolicyFile } from '../caller.ts';
import type { ApiApp, ApiDeps } from '../env.ts';
import { ApproversInput, GroupName, readBody, validateInput } from '../input.ts';
import { pathParameter } from '../route.ts';

export function approversRoutes(app: ApiApp): void {
  app.get('/approvers', async (context) =>
    context.json({ groups: (await listApproverGroups(context.get('api'))).map(groupView) }),
  );
  app.put('/approvers/:group', async (context) => {
    const api = context.get('api');
    const name = validateInput(GroupName, pathParameter(context, 'group'), 'the name of the group');
    const settings = validateInput(ApproversInput, await readBody(context), 'the group');
    await requireEscalation(name, settings.escalateTo, api);
    const before = await findGroup(name, api.table);
    const managedBy = callerIs(context);
    const group = await setGroup(name, { ...settings, managedBy }, api.caller, api);
    const warnings = await subscribeGroup(group, await listIfAllReadable(listApproverGroups, api), api);
    return context.json({
      group: groupView(group),
      warnings: [...overridesPolicyFile(before, 'group'), ...warnings],
    });
  });
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
    throw new ApiError(400, 'InvalidRequest', `there is no approver group \`${escalateTo}\` to escalate to`);
}

function groupView({ version: _version, ...group }: ApproverGroup) {
  return group;
}
