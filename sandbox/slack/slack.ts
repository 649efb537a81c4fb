import { randomBytes } from 'node:crypto';
import type { Clock } from '../clock.ts';
import type { Faults } from '../faults.ts';
import { inMemory, type OpenMap } from '../persistence.ts';
import { createAppRequests } from './app-requests.ts';
import { createInteractions } from './interactions.ts';
import { createMessages } from './messages.ts';
import { createResponseUrls } from './response-urls.ts';
import { slackRoutes } from './routes.ts';
import { createViews } from './views.ts';
import { createWebApi } from './web-api.ts';

/** The bot token and the signing secret. */
export interface Credentials {
  readonly botToken: string;
  readonly signingSecret: string;
}

export type Slack = ReturnType<typeof createSlack>;

export interface SlackOptions {
  /** `http://127.0.0.1:4570` */
  readonly origin: string;
  readonly clock: Clock;
  readonly faults: Faults;
  readonly isThrottled?: () => boolean;
  readonly openMap?: OpenMap;
}

/** A Slack workspace with one app: linkgate. */
export function createSlack(options: SlackOptions) {
  const { origin, clock, faults, isThrottled = () => true, openMap = inMemory } = options;
  const credentials = loadCredentials(openMap<Credentials>('slack/app'));
  const { botToken, signingSecret } = credentials;
  let requestUrl = '';

  const messages = createMessages(clock, openMap);
  const views = createViews(clock, openMap);
  const responseUrls = createResponseUrls({
    clock,
    messages,
    address: `${origin}/slack/response`,
    openMap,
  });
  const webApi = createWebApi({ clock, faults, messages, views, botToken, isThrottled, openMap });
  const send = createAppRequests({ clock, signingSecret, requestUrl: () => requestUrl });
  const interactions = createInteractions({ messages, views, responseUrls, send });
  const routes = slackRoutes({ webApi, messages, views, responseUrls, interactions });

  return {
    credentials,
    /** Sets the request URL of the app's settings. */
    setRequestUrl(url: string) {
      requestUrl = url;
    },
    /** Handles all requests below `/slack`. */
    handle: (request: Request) => routes.fetch(request),
  };
}

/** Loads the credentials of an earlier run, because linkgate has them in SSM. */
function loadCredentials(stored: Map<string, Credentials>): Credentials {
  const credentials = stored.get('credentials') ?? {
    botToken: `xoxb-local-${randomBytes(12).toString('hex')}`,
    signingSecret: randomBytes(16).toString('hex'),
  };
  stored.set('credentials', credentials);
  return credentials;
}
