/** An error response of Slack's Web API, with its error code. */
export class SlackApiError extends Error {
  override readonly name = 'SlackRefusal';
  readonly error: string;
  /** Details, one sentence each. */
  readonly problems: readonly string[];

  constructor(error: string, problems: readonly string[] = []) {
    super(`Slack refuses: \`${error}\``);
    this.error = error;
    this.problems = problems;
  }
}
