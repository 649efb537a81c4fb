import type { Target } from '@aws-sdk/client-eventbridge';
import type { Rule } from './aws/events.ts';
import type { Delivery } from './aws/sns.ts';
import type { Mail } from './aws/sns-bodies.ts';
import type { Sqs } from './aws/sqs.ts';
import type { Clock } from './clock.ts';
import type { DeliveryKind, Faults } from './faults.ts';
import type { InvokePermissions } from './invoke-permissions.ts';
import type { Lambda } from './lambda/lambda.ts';
import type { Log } from './persistence.ts';
import type { Timers } from './timers.ts';

/** A delivered email. */
export interface ReceivedMail extends Mail {
  readonly to: string;
  readonly topicArn: string;
  readonly time: string;
}

/** The delivery of an event, or of the target's own input, to the target of a rule. */
interface TargetDelivery {
  readonly rule: Rule;
  readonly target: Target;
  readonly payload: unknown;
}

export interface DeliveriesOptions {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly faults: Faults;
  readonly sqs: Sqs;
  readonly lambda: () => Lambda;
  readonly permissions: InvokePermissions;
  /** Queue ARNs by subscription ARN. */
  readonly subscriptionDeadLetters: ReadonlyMap<string, string>;
  readonly mails: Pick<Log<ReceivedMail>, 'append'>;
  readonly onOutput: (name: string, text: string) => void;
}

/** The deliveries between services. */
export function createDeliveries({
  clock,
  timers,
  faults,
  sqs,
  lambda,
  permissions,
  subscriptionDeadLetters,
  mails,
  onOutput,
}: DeliveriesOptions) {
  /** Delivers once, unless a fault drops, duplicates or delays the delivery. */
  function faulty<Payload>(kind: DeliveryKind, deliver: (payload: Payload) => void) {
    const deliverLate = timers.on(kind, deliver);
    return (payload: Payload) => {
      const fault = faults.findDeliveryFault(kind);
      if (fault?.drop) return;
      if (fault?.delayMs) return deliverLate(clock.now() + fault.delayMs, payload);
      deliver(payload);
      if (fault?.duplicate) deliver(payload);
    };
  }

  function toSubscriber({ subscription, body, mail }: Delivery) {
    const { endpoint, topicArn } = subscription;
    if (mail) {
      const { subject, text } = mail;
      return mails.append({
        to: endpoint,
        topicArn,
        subject,
        text,
        time: new Date(clock.now()).toISOString(),
      });
    }
    const canDeliverTo = (queueArn: string) =>
      sqs.find(queueArn) && sqs.acceptsFrom(queueArn, 'sns.amazonaws.com', topicArn);
    if (canDeliverTo(endpoint)) return void sqs.deliver(endpoint, { body });
    const deadLetters = subscriptionDeadLetters.get(subscription.arn);
    if (deadLetters && canDeliverTo(deadLetters)) sqs.deliver(deadLetters, { body });
  }

  /** Runs the targets of a rule. Resolves with the responses of functions; rejects on a failure or a refusal. */
  async function fire(rule: Rule, target: Target, payload: unknown): Promise<unknown> {
    const { Arn: arn = '', DeadLetterConfig } = target;
    const body = JSON.stringify(payload);
    const send = (queueArn: string) => {
      const isAccepted = sqs.find(queueArn) && sqs.acceptsFrom(queueArn, 'events.amazonaws.com', rule.arn);
      if (isAccepted) sqs.deliver(queueArn, { body });
      return Boolean(isAccepted);
    };
    if (arn.startsWith('arn:aws:sqs:')) {
      if (send(arn)) return undefined;
    } else if (permissions.allows(arn, 'events.amazonaws.com', rule.arn)) {
      const outcome = await lambda().invokeAsynchronously(arn, payload);
      if (outcome.ok) return outcome.value;
      throw new Error(`${outcome.error.errorType}: ${outcome.error.errorMessage}`);
    }
    if (DeadLetterConfig?.Arn) send(DeadLetterConfig.Arn);
    throw new Error(`the target \`${arn}\` does not allow the rule \`${rule.name}\` in`);
  }

  return {
    toSubscriber: faulty('sns', toSubscriber),
    toTarget: faulty<TargetDelivery>('events', ({ rule, target, payload }) => {
      fire(rule, target, payload).catch((error: Error) => onOutput(rule.name, error.message));
    }),
    fire,
  };
}
