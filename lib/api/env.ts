import type { Hono } from 'hono';
import type { Subscriptions } from '../channels/email/subscriptions.ts';
import type { DoctorDeps } from '../doctor/doctor.ts';
import type { RemoveDeps } from '../doctor/remove-unreadable.ts';
import type { ConnectSlackDeps } from '../operations/connect-slack.ts';
import type { SetupDeps } from '../operations/setup.ts';
import type { SwitchModeDeps } from '../operations/switch-mode.ts';
import type { DecideDeps } from '../reconcile/decide-connections.ts';
import type { FindDeps } from '../reconcile/find-connection.ts';
import type { RegisterDeps } from '../services/register-service.ts';
import type { SweepQueue } from '../sweep/sweep-queue.ts';

/** The dependencies of one request. */
export interface ApiDeps
  extends DecideDeps,
    RegisterDeps,
    SetupDeps,
    SwitchModeDeps,
    DoctorDeps,
    ConnectSlackDeps {
  readonly connectionsClient: FindDeps['connectionsClient'];
  /** Whether the table keeps all writes of this request in memory. */
  readonly isDryRun?: boolean;
  readonly sweepQueue: SweepQueue;
  /** The subscriptions of customer contacts. */
  readonly customerSubscriptions: Subscriptions;
  /** The URL to which Slack sends commands and interactions. */
  readonly slackRequestUrl: string;
  readonly id: () => string;
  readonly logRemoval: RemoveDeps['logRemoval'];
  /** The caller's ARN from IAM authentication, never from the request body. */
  readonly caller: string;
}

export interface ApiVariables {
  readonly api: ApiDeps;
  /** ISO 8601: the first arrival of this request, if an earlier run with the same `Idempotency-Key` may have started. */
  readonly firstRequestedAt?: string | undefined;
}
/** The invocation of the Lambda function. */
interface ApiBindings {
  readonly event: {
    /** `GET /services/{service}` */
    readonly routeKey: string;
    readonly pathParameters?: Readonly<Record<string, string | undefined>>;
    readonly headers?: Readonly<Record<string, string | undefined>>;
  };
}

export type ApiEnv = { Variables: ApiVariables; Bindings: ApiBindings };
export type ApiApp = Hono<ApiEnv>;
