import { createLink, type LinkClaims } from '../../lib/channels/approval-link/link.ts';
import type { EmailMessage, EmailSender } from '../../lib/channels/email/email-sender.ts';
import type { Run } from './invocations.ts';
import type { Scheduler } from './scheduler.ts';

/** A received email. */
export interface ReceivedEmail extends EmailMessage {
  readonly address: string;
  readonly time: number;
}

export type Mailbox = ReturnType<typeof createMailbox>;

export const linkKey = 'simulated';

/** Emails by SNS, and their approval links. */
export function createMailbox(scheduler: Scheduler) {
  const received: ReceivedEmail[] = [];
  return {
    received: (): readonly ReceivedEmail[] => received,
    createEmailSender: (run: Run): EmailSender => ({
      send: (address, mail) =>
        run.call('mail', () => {
          received.push({ address, time: scheduler.now(), ...mail });
        }),
    }),
    createApprovalLink: async (claims: LinkClaims) =>
      createLink('https://receivers.test/approval', claims, linkKey),
    signingKey: { values: async () => [linkKey], refresh: async () => [linkKey] },
  };
}

/** Returns the tokens of the links in an email. */
export function extractTokens({ text }: EmailMessage): string[] {
  return [...text.matchAll(/\?token=(\S+)/g)].flatMap(([, token]) => token ?? []);
}
