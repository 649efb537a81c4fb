import type { Hono } from 'hono';
import type { Deciding } from '../connection/decide-connections.ts';
import type { Registering } from '../service/register-service.ts';
import type { SettingUp } from '../setup.ts';
import type { Sweeps } from '../sweep/sweeps.ts';

/** What each request brings to run with. */
export interface Api extends Deciding, Registering, SettingUp {
  readonly sweeps: Sweeps;
  readonly id: () => string;
  /** The authenticated caller's ARN: from the request's authentication, never from its body. */
  readonly caller: string;
}

export type Env = { Variables: { api: Api } };
export type ApiApp = Hono<Env>;
