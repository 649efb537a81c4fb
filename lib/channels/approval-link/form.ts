import * as v from 'valibot';
import { allowDurationDays, computeAllowExpiry } from '../../approvals/allow-duration.ts';
import type { SubmittedDecision } from '../../approvals/submit-decision.ts';
import { requiredDecisionText } from '../../connections/person-decision.ts';
import type { Service } from '../../services/service.ts';
import type { LinkClaims } from './link.ts';

function requiredField(what: 'reason' | 'ticket', isMissing: string) {
  return v.pipe(
    v.optional(v.string(), ''),
    // Browsers send a line's end as two characters.
    v.transform((value) => value.replaceAll('\r\n', '\n')),
    requiredDecisionText(what, isMissing),
  );
}

/** A mail scanner may post the form as it stands: nothing is decided by one that nobody has filled in. */
const ReasonField = requiredField('reason', 'Say why, for those who read the history later.');
const TicketField = requiredField('ticket', 'Name the ticket: this service wants one with each decision.');

/** What the select says: nothing, for good, or a number of days. */
export const allowDurations = ['', 'for-good', ...allowDurationDays.map(String)] as const;

const DecisionForm = v.object({
  reason: ReasonField,
  allow: v.optional(v.picklist(allowDurations, 'Choose one of these.'), ''),
  block: v.optional(v.literal('yes', 'Tick it or leave it.')),
});
const DecisionFormWithTicket = v.object({ ...DecisionForm.entries, ticket: TicketField });

export type FormFieldName = keyof v.InferInput<typeof DecisionFormWithTicket>;
export type FormProblems = Readonly<Partial<Record<FormFieldName, string>>>;
/** What stood in the form. */
export type FormValues = Readonly<Record<string, string>>;

/** @returns what the form says beside its purpose, or what is wrong with it. */
export function parseDecisionForm(
  entered: FormValues,
  purpose: LinkClaims['purpose'],
  { requireTicket }: Pick<Service, 'requireTicket'>,
  now: Date,
): { readonly word: Omit<SubmittedDecision, 'by' | 'decision'> } | { readonly problems: FormProblems } {
  const result = v.safeParse(
    requireTicket && purpose !== 'extend' ? DecisionFormWithTicket : DecisionForm,
    entered,
  );
  if (!result.success)
    return {
      problems: Object.fromEntries(result.issues.map((issue) => [v.getDotPath(issue), issue.message])),
    };
  const { allow, block, ...said } = result.output;
  const days = allow === 'for-good' ? undefined : Number(allow);
  return {
    word: {
      ...said,
      ...(purpose === 'approve' && allow !== '' && { allow: computeAllowExpiry(days, now) }),
      ...(purpose === 'deny' && block && { block: true as const }),
    },
  };
}
