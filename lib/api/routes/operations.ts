import {
  findOperationsRecipients,
  type OperationsRecipients,
  setOperationsCommand,
  setOperationsRecipients,
} from '../../approvers/operations-recipients.ts';
import { subscribeAddresses } from '../../channels/email/subscriptions.ts';
import type { ApiApp } from '../env.ts';
import { OperationsInput, readBody, validateInput } from '../input.ts';

export function operationsRoutes(app: ApiApp): void {
  app.get('/operations', async (context) => {
    const recipients = await findOperationsRecipients(context.get('api').table);
    return context.json({ operations: operationsView(recipients) });
  });
  app.put('/operations', async (context) => {
    const api = context.get('api');
    const settings = validateInput(OperationsInput, await readBody(context), 'the recipients');
    const recipients = await setOperationsRecipients(settings, api.caller, api);
    const { slackChannel, emails } = recipients;
    const warnings = await subscribeAddresses(emails, emails, {
      subscriptions: api.operationsSubscriptions,
      reportError: api.reportError,
      remedy: 'set the recipients again, or see `linkgate doctor`',
    });
    const isNobody = slackChannel === undefined && emails.length === 0;
    return context.json({
      operations: operationsView(recipients),
      warnings: [
        ...(isNobody ? [`operations notices go nowhere; to name recipients: ${setOperationsCommand}`] : []),
        ...warnings,
      ],
    });
  });
}

function operationsView({ version: _version, ...recipients }: OperationsRecipients) {
  return recipients;
}
