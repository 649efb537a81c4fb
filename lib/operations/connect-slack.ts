import { slackScopes as used } from '../channels/slack/manifest.ts';
import type { SlackWebApi } from '../channels/slack/web-api.ts';
import type { Secrets } from './setup.ts';

/** The SSM parameters of the Slack app below `/linkgate/<stage>/`. */
export const slackSecrets = { signingSecret: 'slack/signing-secret', botToken: 'slack/bot-token' } as const;

export interface ConnectSlackDeps {
  readonly secrets: Secrets;
  /** Creates a Slack client with these bot tokens. */
  readonly slackWith: (tokens: readonly string[]) => Pick<SlackWebApi, 'authTest'>;
}

/** The app, as Slack's auth.test identifies it. */
interface SlackApp {
  readonly team: string;
  readonly bot: string;
  readonly scopes: readonly string[];
}

/** The secrets from the settings page of the Slack app. */
type SlackSecretInput = { readonly [Name in keyof typeof slackSecrets]?: string | undefined } & {
  /** Drops the previous value, for a secret that leaked. */
  readonly forgetPrevious?: boolean | undefined;
};

const secretLabels = { signingSecret: 'signing secret', botToken: 'bot token' } as const;

/**
 * Stores the secrets of the Slack app. The previous values stay valid until the next rotation, so that no request is lost.
 * Idempotent.
 * @returns the app of the given bot token, and warnings.
 * @throws SlackError before it stores a secret
 */
export async function connectSlack(
  input: SlackSecretInput,
  { secrets, slackWith }: ConnectSlackDeps,
): Promise<Partial<SlackApp> & { readonly warnings: readonly string[] }> {
  const slackApp = input.botToken === undefined ? undefined : await appInfo([input.botToken], slackWith);
  const warnings = [];
  for (const name of ['signingSecret', 'botToken'] as const) {
    const value = input[name];
    if (value === undefined) {
      const isThere = (await secrets.read(slackSecrets[name])).length > 0;
      if (!isThere) warnings.push(`the ${secretLabels[name]} is missing: linkgate slack connect`);
    } else if (!(await secrets.rotate(slackSecrets[name], value)))
      warnings.push(`the ${secretLabels[name]} is current already`);
    if (input.forgetPrevious) await secrets.dropPrevious(slackSecrets[name]);
  }
  return {
    ...slackApp,
    warnings: [...warnings, ...Object.values(slackApp ? describeScopeProblems(slackApp.scopes) : {})],
  };
}

/** @throws SlackError */
export async function appInfo(
  tokens: readonly string[],
  slackWith: ConnectSlackDeps['slackWith'],
): Promise<SlackApp> {
  const { teamId: team, botUserId: bot, scopes } = await slackWith(tokens).authTest();
  return { team, bot, scopes };
}

/** Describes the differences between the scopes of the app and its manifest. */
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
