import {
  findOperationsRecipients,
  setOperationsCommand,
  setOperationsRecipients,
} from '../../approvers/operations-recipients.ts';
import { subscribeAddresses } from '../../channels/email/subscriptions.ts';
import { OperationsInput } from '../input.ts';
import type { Routes } from '../request.ts';
import { withoutVersion } from '../views.ts';

export const operationsRoutes: Routes = {
  'GET /operations': async (_request, api) => {
    const recipients = await findOperationsRecipients(api.table);
    return { operations: withoutVersion(recipients) };
  },
  'PUT /operations': async (request, api) => {
    const settings = await request.body(OperationsInput, 'the recipients');
    const recipients = await setOperationsRecipients(settings, api.caller, api);
    const { slackChannel, emails } = recipients;
    const warnings = await subscribeAddresses(emails, emails, {
      subscriptions: api.operationsSubscriptions,
      reportError: api.reportError,
      remedy: 'set the recipients again, or see `linkgate doctor`',
    });
    const isNobody = slackChannel === undefined && emails.length === 0;
    return {
      operations: withoutVersion(recipients),
      warnings: [
        ...(isNobody ? [`operations notices go nowhere; to name recipients: ${setOperationsCommand}`] : []),
        ...warnings,
      ],
    };
  },
};
