import * as v from 'valibot';
import { allowDurationDays, computeAllowExpiry } from '../../approvals/allow-duration.ts';
import type { SubmittedDecision } from '../../approvals/submit-decision.ts';
import { requiredDecisionText } from '../../connections/decision-text.ts';
import type { Service } from '../../services/service.ts';
import type { LinkClaims } from './link.ts';

function requiredField(name: 'reason' | 'ticket', missingMessage: string) {
  return v.pipe(
    v.optional(v.string(), ''),
    // Browsers send a line break as CRLF.
    v.transform((value) => value.replaceAll('\r\n', '\n')),
    requiredDecisionText(name, missingMessage),
  );
}

/** An e-mail scanner may post the empty form: without a reason, linkgate records no decision. */
const ReasonField = requiredField('reason', 'Give a reason. The history shows it.');
const TicketField = requiredField('ticket', 'Enter the ticket. This service requires one for each decision.');

/** The values of the select: do not allow, allow permanently, or allow for a number of days. */
export const allowDurations = ['', 'permanent', ...allowDurationDays.map(String)] as const;

const DecisionForm = v.object({
  reason: ReasonField,
  allow: v.optional(v.picklist(allowDurations, 'Choose one of the options.'), ''),
  block: v.optional(v.literal('yes', 'Select the checkbox or leave it empty.')),
});
const DecisionFormWithTicket = v.object({ ...DecisionForm.entries, ticket: TicketField });

export type FormFieldName = keyof v.InferInput<typeof DecisionFormWithTicket>;
export type FormProblems = Readonly<Partial<Record<FormFieldName, string>>>;
/** The submitted values, by field name. */
export type FormValues = Readonly<Record<string, string>>;

/** @returns the decision without its author and outcome, or the problems of the form */
export function parseDecisionForm(
  entered: FormValues,
  purpose: LinkClaims['purpose'],
  { requireTicket }: Pick<Service, 'requireTicket'>,
  now: Date,
): { readonly decision: Omit<SubmittedDecision, 'by' | 'decision'> } | { readonly problems: FormProblems } {
  const result = v.safeParse(
    requireTicket && purpose !== 'extend' ? DecisionFormWithTicket : DecisionForm,
    entered,
  );
  if (!result.success)
    return {
      problems: Object.fromEntries(result.issues.map((issue) => [v.getDotPath(issue), issue.message])),
    };
  const { allow, block, ...rest } = result.output;
  const days = allow === 'permanent' ? undefined : Number(allow);
  return {
    decision: {
      ...rest,
      ...(purpose === 'approve' && allow !== '' && { allow: computeAllowExpiry(days, now) }),
      ...(purpose === 'deny' && block && { block: true as const }),
    },
  };
}
