import type { Hono } from 'hono';
import type { Deciding } from '../connection/decide-connections.ts';
import type { Looking } from '../connection/find-connection.ts';
import type { Doctoring } from '../doctor/doctor.ts';
import type { RemoveDeps } from '../items/remove-unreadable.ts';
import type { Subscriptions } from '../mail/subscriptions.ts';
import type { Switching } from '../mode/switch-mode.ts';
import type { Registering } from '../service/register-service.ts';
import type { SettingUp } from '../setup.ts';
import type { ConnectingSlack } from '../slack/connect.ts';
import type { Sweeps } from '../sweep/sweeps.ts';

/** What each request brings to run with. */
export interface Api extends Deciding, Registering, SettingUp, Switching, Doctoring, ConnectingSlack {
  readonly connectionsIn: Looking['connectionsIn'];
  readonly sweeps: Sweeps;
  /** Which consumers are written to by mail. */
  readonly consumerSubscriptions: Subscriptions;
  /** Where Slack sends what people do there. */
  readonly slackRequestUrl: string;
  readonly id: () => string;
  readonly logRemoval: RemoveDeps['logRemoval'];
  /** The authenticated caller's ARN: from the request's authentication, never from its body. */
  readonly caller: string;
}

export interface Variables {
  readonly api: Api;
  /** ISO 8601: when this very request came first, where an earlier run of it may have begun: its caller named it by a key. */
  readonly firstAskedAt?: string | undefined;
}
/** What Lambda was invoked with. */
interface Bindings {
  readonly event: {
    /** `GET /services/{service}` */
    readonly routeKey: string;
    readonly pathParameters?: Readonly<Record<string, string | undefined>>;
    readonly headers?: Readonly<Record<string, string | undefined>>;
  };
}

export type Env = { Variables: Variables; Bindings: Bindings };
export type ApiApp = Hono<Env>;
