import type { LinkClaims } from '../approval-link/link.ts';
import type { Invocation } from '../invocation.ts';
import type { Mails } from '../mail/mails.ts';
import type { SlackWebApi } from '../slack/web-api.ts';
import type { Table } from '../table/table.ts';
import type { Notices } from './notice.ts';

/** What it takes to tell approvers of what waits for them, beside Slack. */
export interface Telling extends Invocation {
  readonly table: Table;
  readonly mails: Mails;
  readonly linkTo: (claims: LinkClaims) => Promise<string>;
  readonly notices: Notices;
}

export interface TellingInSlack extends Telling {
  /** Absent while nobody has connected Slack. */
  readonly slack?: Pick<SlackWebApi, 'post' | 'update' | 'remove'>;
}

/**
 * For how long whoever tells of something has it to themselves, in milliseconds: as long as the function may run. So no two
 * messages are posted for one request, and no older drawing of it ever lands on a newer one.
 */
const heldFor = 60_000;

export function holdFrom(now: Date): string {
  return new Date(now.getTime() + heldFor).toISOString();
}

export function isHeld(held: { readonly heldUntil?: string } | undefined, now: Date): boolean {
  return held?.heldUntil !== undefined && new Date(held.heldUntil) > now;
}
