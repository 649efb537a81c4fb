import { OptionalText, RequiredText } from '../values/text.ts';

/** The maximum length of a person's texts, in characters. */
export const maxDecisionLength = { reason: 1_000, ticket: 100, customerMessage: 500 } as const;

/** Creates the schema of such a text for the API, Slack and approval links. */
export const requiredDecisionText = (field: keyof typeof maxDecisionLength, missing: string) =>
  RequiredText(maxDecisionLength[field], missing);
export const OptionalReason = OptionalText(maxDecisionLength.reason);
