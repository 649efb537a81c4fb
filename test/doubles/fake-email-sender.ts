import type { LinkClaims } from '../../lib/channels/approval-link/link.ts';
import type { EmailMessage, EmailSender } from '../../lib/channels/email/email-sender.ts';

/** Records sent emails; their links contain the claims in plain text. */
export function fakeEmailSender() {
  const sent: (EmailMessage & { readonly to: string })[] = [];
  const mails: EmailSender = {
    async send(to, mail) {
      if (post.error) throw post.error;
      sent.push({ to, ...mail });
    },
  };
  const linkTo = async ({ purpose, endpointId, version, address }: LinkClaims) =>
    `https://links.example/approval?token=${purpose}-${endpointId}-${version}-${address}`;
  const post = { sent, mails, linkTo, error: undefined as Error | undefined };
  return post;
}
