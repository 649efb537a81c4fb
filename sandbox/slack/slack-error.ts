/** Slack does not do it, and says why in one word of its own. */
export class SlackApiError extends Error {
  override readonly name = 'SlackRefusal';
  readonly error: string;
  /** More about it, a sentence each. */
  readonly problems: readonly string[];

  constructor(error: string, problems: readonly string[] = []) {
    super(`Slack refuses: \`${error}\``);
    this.error = error;
    this.problems = problems;
  }
}
