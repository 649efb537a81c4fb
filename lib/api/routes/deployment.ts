import { slackAppManifest } from '../../channels/slack/manifest.ts';
import { CheckCursor, runDoctorPage } from '../../doctor/doctor.ts';
import { removeUnreadable } from '../../doctor/remove-unreadable.ts';
import { connectSlack } from '../../operations/connect-slack.ts';
import { setUp } from '../../operations/setup.ts';
import { showMode, switchMode } from '../../operations/switch-mode.ts';
import { decodeCursor, nextPageFields } from '../../storage/cursor.ts';
import { ApiError } from '../api-error.ts';
import { alreadyRemovedWarning } from '../idempotency-key.ts';
import { ItemQuery, ModeInput, SlackInput } from '../input.ts';
import type { Routes } from '../request.ts';

const doctorListName = 'doctor';

/** Setup, mode, Slack app and health of the deployment. */
export const deploymentRoutes: Routes = {
  'POST /setup': async (_request, api) => ({ done: await setUp(api) }),
  'GET /mode': (_request, api) => showMode(api),
  'PUT /mode': async (request, api) => {
    const { mode, ...why } = await request.body(ModeInput, 'the mode');
    const { view, warnings } = await switchMode(mode, { ...why, by: api.caller }, api);
    return { ...view, warnings };
  },
  'GET /slack/manifest': (_request, { slackRequestUrl, deployment }) => ({
    manifest: slackAppManifest(slackRequestUrl, deployment.stage),
  }),
  'PUT /slack': async (request, api) =>
    connectSlack(await request.body(SlackInput, 'the Slack secrets'), api),
  'GET /doctor': async (request, api) => {
    const position = decodeCursor(doctorListName, request.nextToken, CheckCursor, { next: 'deployment' });
    const { checks, next } = await runDoctorPage(position, api);
    return { checks, ...nextPageFields(doctorListName, next) };
  },
  'DELETE /items': async (request, api) => {
    const item = request.query(ItemQuery);
    const removed = await removeUnreadable(item, api.caller, api);
    if (!removed && !request.isPossibleRetry)
      throw new ApiError(
        404,
        'UnknownItem',
        `there is no item \`${item.pk}\` \`${item.sk}\`; see \`linkgate doctor\``,
      );
    if (!removed) return { item, warnings: [alreadyRemovedWarning] };
    return { item, warnings: removed.afterwards === undefined ? [] : [`next step: ${removed.afterwards}`] };
  },
};
