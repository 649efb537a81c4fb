import { contactAddress } from '../customers/customer.ts';
import { deliveryFailureItem, deliveryFailureKey } from '../customers/delivery-failure.ts';
import type { ReadMode } from '../mode/mode.ts';
import { postpone } from '../outbox/deliver.ts';
import { type DeliverEmailDeps, deliverEmail, type EmailResult } from '../outbox/deliver-email.ts';
import type { NotificationTarget } from '../outbox/notification.ts';
import { orReported } from '../runtime/runtime.ts';
import { chunks } from '../values/chunks.ts';
import { type CustomerMessages, composeCustomerEmail } from './customer-email.ts';
import { eventVersion } from './customer-event.ts';
import { type CustomerSender, DeliveryRejectedError } from './customer-sender.ts';
import { type DueEvent, loadDueEvents } from './due-events.ts';

export interface NotifyCustomersDeps extends DeliverEmailDeps {
  readonly mode: ReadMode;
  readonly customerSender: CustomerSender;
  readonly messages: CustomerMessages;
}

/** The maximum number of simultaneous events of one contact with separate emails. More events share one email. */
const maxIndividualEmails = 5;

/**
 * Sends the contacts of customers the events that they do not know yet, from the current records. The outbox retries after errors
 * of SNS.
 * @param hasItems whether the targets may have items that wait for an attempt.
 * @returns the number of sent events, and the ids of the targets that SQS or the stream has to deliver again.
 */
export async function notifyCustomers(
  targets: readonly NotificationTarget[],
  deps: NotifyCustomersDeps,
  hasItems = false,
): Promise<{ readonly notified: number; readonly failed: readonly string[] }> {
  const { due, idle } = await loadDueEvents(targets, deps, hasItems);
  // Verdicts in mode observe stay internal.
  const isEnforcing = due.length > 0 && (await deps.mode()) === 'enforce';
  for (const received of isEnforcing ? idle : [...idle, ...due.map((each) => each.received)])
    await postpone(received, received, undefined, deps);
  let notified = 0;
  const failed: string[] = [];
  for (const batch of isEnforcing ? planEmails(due) : []) {
    const sent = await orReported(deps.reportError, 'notify customer', () => sendEvents(batch, deps));
    if (sent === undefined) failed.push(...batch.map(({ received }) => received.id));
    else notified += sent;
  }
  return { notified, failed };
}

/** Groups events by e-mail: first one for each customer, so that a further one to the same address need not wait. */
function planEmails(due: readonly DueEvent[]): DueEvent[][] {
  const byCustomer = [...Map.groupBy(due, ({ customer }) => customer.name).values()].map((events) =>
    events.length > maxIndividualEmails ? [events] : chunks(events, 1),
  );
  return Array.from({ length: maxIndividualEmails }, (_, position) =>
    byCustomer.flatMap((emails) => emails.slice(position, position + 1)),
  ).flat();
}

/** @returns the number of sent events. */
async function sendEvents(batch: readonly DueEvent[], deps: NotifyCustomersDeps): Promise<number> {
  const [first] = batch;
  if (!first) return 0;
  const { name, contact } = first.customer;
  const address = contactAddress(contact);
  const emails = batch.map(({ received, event }) => ({
    received,
    event,
    delivered: { emailed: { [address]: eventVersion(event) }, service: event.service },
  }));
  const send = async (leased: readonly (typeof emails)[number][]): Promise<EmailResult> => {
    const events = leased.map(({ event }) => event);
    try {
      await deps.customerSender.send(contact, composeCustomerEmail(events, deps.messages), events);
      return { isAccepted: true, writes: [{ remove: deliveryFailureKey(name) }] };
    } catch (error) {
      if (!(error instanceof DeliveryRejectedError)) throw error;
      deps.reportError(error, 'send customer notification');
      return { isAccepted: false, writes: [{ put: deliveryFailureItem(name, error.message, deps.now()) }] };
    }
  };
  return deliverEmail(address, emails, send, deps);
}
