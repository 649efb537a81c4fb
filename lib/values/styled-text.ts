/** The parts of a text that each channel writes in its own way. `time`: ISO 8601. `actor`: see `actorChannel`. */
type SpanKind = 'time' | 'actor' | 'code' | 'strong';
type Span = string | { readonly kind: SpanKind; readonly value: string };

/** A text without the markup of any channel: `writeMrkdwn`, `writeHtml` and `writePlain` write it. */
export type StyledText = readonly Span[];

const makeSpan = (kind: SpanKind) => (value: string) => ({ kind, value });
export const asTime = makeSpan('time');
export const asActor = makeSpan('actor');
export const asCode = makeSpan('code');
export const asStrong = makeSpan('strong');

/** Builds a text from a template of strings, spans and texts. */
export function styled(
  literals: TemplateStringsArray,
  ...parts: readonly (Span | StyledText | number)[]
): StyledText {
  return literals.flatMap((literal, index) => [literal, ...toSpans(parts[index] ?? '')]);
}

function toSpans(part: Span | StyledText | number): StyledText {
  if (typeof part === 'number') return [String(part)];
  return typeof part === 'string' || 'kind' in part ? [part] : part;
}

export function joinStyled(texts: readonly StyledText[], separator = ' '): StyledText {
  return texts.flatMap((text, index) => (index === 0 ? text : [separator, ...text]));
}

/** Marks the ISO 8601 times of a plain text, such as the reason of a finding. */
export function markTimes(plain: string): StyledText {
  return plain.split(timestampPattern).map((part, index) => (index % 2 === 1 ? asTime(part) : part));
}

const timestampPattern = /(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z)/;

export type SpanWriters<Output> = { readonly [Kind in SpanKind | 'text']: (value: string) => Output };

export function writeSpans<Output>(text: StyledText, writers: SpanWriters<Output>): Output[] {
  return text.map((span) => (typeof span === 'string' ? writers.text(span) : writers[span.kind](span.value)));
}

/** Writes a text for e-mails and terminals. A command is in backticks. */
export function writePlain(text: StyledText, writeTime = formatTime): string {
  const same = (value: string) => value;
  const code = (command: string) => `\`${command}\``;
  return writeSpans(text, { text: same, strong: same, code, time: writeTime, actor: actorName }).join('');
}

const timeFormat = new Intl.DateTimeFormat('en-GB', {
  dateStyle: 'medium',
  timeStyle: 'short',
  timeZone: 'UTC',
});

/** @param time ISO 8601 */
export function formatTime(time: string): string {
  return `${timeFormat.format(new Date(time))} UTC`;
}

/** Names an actor for a reader outside Slack. */
export function actorName(actor: string): string {
  const [, team, user] = /^slack:([^:]*):(.*)$/.exec(actor) ?? [];
  return user === undefined ? actor.replace(/^mailto:/, '') : `${user} (Slack workspace ${team})`;
}
