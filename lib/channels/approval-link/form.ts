import * as v from 'valibot';
import { allowDurationDays, allowDurationFor } from '../../approvals/allow-duration.ts';
import type { SubmittedDecision } from '../../approvals/submit-decision.ts';
import { needed } from '../../connections/person-decision.ts';
import type { Service } from '../../services/service.ts';
import type { LinkClaims } from './link.ts';

function text(what: 'reason' | 'ticket', isMissing: string) {
  return v.pipe(
    v.optional(v.string(), ''),
    // Browsers send a line's end as two characters.
    v.transform((value) => value.replaceAll('\r\n', '\n')),
    needed(what, isMissing),
  );
}

/** A mail scanner may post the form as it stands: nothing is decided by one that nobody has filled in. */
const reason = text('reason', 'Say why, for those who read the history later.');
const ticket = text('ticket', 'Name the ticket: this service wants one with each decision.');

/** What the select says: nothing, for good, or a number of days. */
export const allowDurations = ['', 'for-good', ...allowDurationDays.map(String)] as const;

const Form = v.object({
  reason,
  allow: v.optional(v.picklist(allowDurations, 'Choose one of these.'), ''),
  block: v.optional(v.literal('yes', 'Tick it or leave it.')),
});
const FormWithTicket = v.object({ ...Form.entries, ticket });

export type Field = keyof v.InferInput<typeof FormWithTicket>;
export type Problems = Readonly<Partial<Record<Field, string>>>;
/** What stood in the form. */
export type FormValues = Readonly<Record<string, string>>;

/** @returns what the form says beside its purpose, or what is wrong with it. */
export function readForm(
  entered: FormValues,
  purpose: LinkClaims['purpose'],
  { requireTicket }: Pick<Service, 'requireTicket'>,
  now: Date,
): { readonly word: Omit<SubmittedDecision, 'by' | 'decision'> } | { readonly problems: Problems } {
  const result = v.safeParse(requireTicket && purpose !== 'extend' ? FormWithTicket : Form, entered);
  if (!result.success)
    return {
      problems: Object.fromEntries(result.issues.map((issue) => [v.getDotPath(issue), issue.message])),
    };
  const { allow, block, ...said } = result.output;
  const days = allow === 'for-good' ? undefined : Number(allow);
  return {
    word: {
      ...said,
      ...(purpose === 'approve' && allow !== '' && { allow: allowDurationFor(days, now) }),
      ...(purpose === 'deny' && block && { block: true as const }),
    },
  };
}
