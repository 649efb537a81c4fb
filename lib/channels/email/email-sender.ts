/** The subject and the text of one e-mail. */
export interface EmailMessage {
  readonly subject: string;
  readonly text: string;
}

/** Sends each e-mail to one address. */
export interface EmailSender {
  send(address: string, mail: EmailMessage): Promise<void>;
}

/** The links of one approver to one request. Each opens a page, and only the page's form decides. */
export interface EmailLinks {
  readonly approve: string;
  readonly deny: string;
  /** Present for a scheduled disconnect that can be extended. */
  readonly extend?: string;
  /** ISO 8601: the expiry of the links. */
  readonly expiresAt: string;
}
