/** What somebody is sent. */
export interface EmailMessage {
  readonly subject: string;
  readonly text: string;
}

/** E-mail, each message to one address. */
export interface EmailSender {
  send(address: string, mail: EmailMessage): Promise<void>;
}

/** The links of one approver to one request: each opens a page, and decides nothing before it is sent off. */
export interface EmailLinks {
  readonly approve: string;
  readonly deny: string;
  /** To a connection that can be extended. */
  readonly extend?: string;
  /** ISO 8601: until when they work. */
  readonly expiresAt: string;
}
