import {
  type ApproverGroup,
  approverGroups,
  findGroup,
  isGroup,
  setGroup,
} from '../../approvers/approver-group.ts';
import { subscribeGroup } from '../../channels/email/subscribe-approvers.ts';
import { unlessUnreadable } from '../../storage/entity.ts';
import { ApiError } from '../api-error.ts';
import { callerIs, overridesPolicyFile } from '../caller.ts';
import type { Api, ApiApp } from '../env.ts';
import { ApproversInput, GroupName, readBody, validated } from '../input.ts';
import { pathParameter } from '../route.ts';

export function approversRoutes(app: ApiApp): void {
  app.get('/approvers', async (context) =>
    context.json({ groups: (await approverGroups(context.get('api'))).map(viewOfGroup) }),
  );
  app.put('/approvers/:group', async (context) => {
    const api = context.get('api');
    const name = validated(GroupName, pathParameter(context, 'group'), 'the name of the group');
    const settings = validated(ApproversInput, await readBody(context), 'the group');
    await requireEscalation(name, settings.escalateTo, api);
    const before = await findGroup(name, api.table);
    const managedBy = callerIs(context);
    const group = await setGroup(name, { ...settings, managedBy }, api.caller, api);
    const warnings = await subscribeGroup(group, await unlessUnreadable(approverGroups, api), api);
    return context.json({
      group: viewOfGroup(group),
      warnings: [...overridesPolicyFile(before, 'group'), ...warnings],
    });
  });
}

/** @throws ApiError where nobody else would be called upon. */
async function requireEscalation(
  name: string,
  escalateTo: string | undefined,
  { table }: Api,
): Promise<void> {
  if (escalateTo === name)
    throw new ApiError(400, 'InvalidRequest', `the group \`${name}\` cannot escalate to itself`);
  if (escalateTo !== undefined && !(await isGroup(escalateTo, table)))
    throw new ApiError(400, 'InvalidRequest', `there is no approver group \`${escalateTo}\` to escalate to`);
}

function viewOfGroup({ version: _version, ...group }: ApproverGroup) {
  return group;
}
