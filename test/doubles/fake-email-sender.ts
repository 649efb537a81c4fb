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
  /** Publications to the operations topic. */
  const published: (EmailMessage & { readonly addresses: readonly string[] })[] = [];
  const publishToOperations = async (mail: EmailMessage, addresses: readonly string[]) => {
    if (post.error) throw post.error;
    published.push({ ...mail, addresses });
  };
  const linkTo = async ({ purpose, endpointId, version, address }: LinkClaims) =>
    `https://links.example/approval?token=${purpose}-${endpointId}-${version}-${address}`;
  const post = { sent, mails, published, publishToOperations, linkTo, error: undefined as Error | undefined };
  return post;
}
