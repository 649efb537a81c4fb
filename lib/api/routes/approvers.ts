import { type ApproverGroup, approverGroups, setGroup } from '../../approval/approver-group.ts';
import type { ApiApp } from '../env.ts';
import { ApproversInput, bodyOf, GroupName, valid } from '../input.ts';

export function approversRoutes(app: ApiApp): void {
  app.get('/approvers', async (context) =>
    context.json({ groups: (await approverGroups(context.get('api').table)).map(viewOfGroup) }),
  );
  app.put('/approvers/:group', async (context) => {
    const api = context.get('api');
    const name = valid(GroupName, context.req.param('group'), 'the name of the group');
    const settings = valid(ApproversInput, await bodyOf(context), 'the group');
    return context.json({ group: viewOfGroup(await setGroup(name, settings, api.caller, api)) });
  });
}

function viewOfGroup({ version: _version, ...group }: ApproverGroup) {
  return group;
}
