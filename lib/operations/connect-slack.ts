import { slackScopes as used } from '../channels/slack/manifest.ts';
import type { SlackWebApi } from '../channels/slack/web-api.ts';
import type { Secrets } from './setup.ts';

/** How the app's secrets are called below `/linkgate/<stage>/`. */
export const slackSecrets = { signingSecret: 'slack/signing-secret', botToken: 'slack/bot-token' } as const;

export interface ConnectSlackDeps {
  readonly secrets: Secrets;
  /** Slack, for the app that has these bot tokens. */
  readonly slackWith: (tokens: readonly string[]) => Pick<SlackWebApi, 'authTest'>;
}

/** Whom Slack takes the app for. */
interface SlackApp {
  readonly team: string;
  readonly bot: string;
  readonly scopes: readonly string[];
}

/** Secrets that the app's settings show. */
type SlackSecretInput = { readonly [Name in keyof typeof slackSecrets]?: string | undefined } & {
  /** What was current before counts no longer, since somebody else may know it. */
  readonly forgetPrevious?: boolean | undefined;
};

const secretLabels = { signingSecret: 'signing secret', botToken: 'bot token' } as const;

/**
 * Keeps the app's secrets; those that were current count until the next, so that nothing is lost while they are changed. May be
 * repeated.
 * @returns what Slack says of the token, where one is given, and what a person should know.
 * @throws SlackError, and then nothing was kept
 */
export async function connectSlack(
  given: SlackSecretInput,
  { secrets, slackWith }: ConnectSlackDeps,
): Promise<Partial<SlackApp> & { readonly warnings: readonly string[] }> {
  const app = given.botToken === undefined ? undefined : await appInfo([given.botToken], slackWith);
  const warnings = [];
  for (const name of ['signingSecret', 'botToken'] as const) {
    const value = given[name];
    if (value === undefined) {
      const isThere = (await secrets.read(slackSecrets[name])).length > 0;
      if (!isThere) warnings.push(`the ${secretLabels[name]} is missing yet: linkgate slack connect`);
    } else if (!(await secrets.rotate(slackSecrets[name], value)))
      warnings.push(`the ${secretLabels[name]} was the current one already`);
    if (given.forgetPrevious) await secrets.dropPrevious(slackSecrets[name]);
  }
  return { ...app, warnings: [...warnings, ...Object.values(app ? describeScopeProblems(app.scopes) : {})] };
}

/** @throws SlackError */
export async function appInfo(
  tokens: readonly string[],
  slackWith: ConnectSlackDeps['slackWith'],
): Promise<SlackApp> {
  const { teamId: team, botUserId: bot, scopes } = await slackWith(tokens).authTest();
  return { team, bot, scopes };
}

/** In what the scopes of an app are other than its manifest asks for, as sentences. */
export function describeScopeProblems(scopes: readonly string[]): {
  readonly lacking?: string;
  readonly unused?: string;
} {
  const missing = used.filter((scope) => !scopes.includes(scope));
  const unused = scopes.filter((scope) => !used.some((each) => each === scope));
  return {
    ...(missing.length > 0 && { lacking: `the app lacks scopes: ${missing.join(', ')}` }),
    ...(unused.length > 0 && {
      unused: `the app has scopes that linkgate does not use: ${unused.join(', ')}`,
    }),
  };
}
