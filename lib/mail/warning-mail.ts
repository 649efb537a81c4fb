import { type ExpiryWarning, remedyOf, storyOf, titleOf } from '../approval/expiry-warning.ts';
import type { Mail } from './mails.ts';
import { mailOf } from './text.ts';

/** Tells one approver that an entry by which connections live expires soon. */
export function warningMail(warning: ExpiryWarning): Mail {
  const { how, command } = remedyOf(warning);
  return mailOf(titleOf(warning), [
    [`${titleOf(warning)}.`],
    ...storyOf(warning).map((line) => [line]),
    [how, ...(command === undefined ? [] : [command])],
    [`You are told as one of the approvers ${warning.group.name}, 14, 7 and 1 days before.`],
  ]);
}
