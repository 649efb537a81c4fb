import type { Context } from 'hono';
import { QuorumOutOfReachError, UnknownGroupError } from '../approvers/approver-group.ts';
import { SlackError } from '../channels/slack/web-api.ts';
import { AccountTakenError } from '../customers/set-customer.ts';
import { ItemNotRemovableError } from '../doctor/remove-unreadable.ts';
import { ConcurrentModeChangeError } from '../operations/switch-mode.ts';
import { NotAuthorizedError } from '../policy/authorize.ts';
import { ApplyRunningError } from '../policy-as-code/apply-lease.ts';
import { IncompletePlanError, PolicyProblemsError } from '../policy-as-code/plan.ts';
import { TooManyRemovalsError } from '../policy-as-code/removal-limit.ts';
import { StalePlanError } from '../policy-as-code/stale-plan.ts';
import { NameTakenError, OtherStageError, ServiceNotFoundError } from '../services/register-service.ts';
import { ExpiredTokenError } from '../storage/cursor.ts';
import { UnreadableItemError } from '../storage/entity.ts';
import { unreadableText } from '../storage/item-remedy.ts';
import { OptimisticLockError } from '../storage/optimistic-lock.ts';
import { TableBusyError } from '../storage/table.ts';
import { ApiError, conflictError, invalidRequestError } from './api-error.ts';
import type { ApiEnv } from './env.ts';

type ErrorClass = abstract new (...args: never[]) => Error;

/** The status and the code of each expected error whose message is the response's. */
const codesByClass: readonly (readonly [ErrorClass, ApiError['status'], code: string])[] = [
  [ServiceNotFoundError, 404, 'UnknownService'],
  [NameTakenError, 400, 'NameTaken'],
  [QuorumOutOfReachError, 400, 'InvalidRequest'],
  [AccountTakenError, 409, 'AccountTaken'],
  [ConcurrentModeChangeError, 409, 'Conflict'],
  [UnknownGroupError, 409, 'Conflict'],
  [IncompletePlanError, 404, 'UnknownPlan'],
  [ApplyRunningError, 409, 'ApplyRunning'],
  [OtherStageError, 409, 'OtherStage'],
  [ExpiredTokenError, 400, 'ExpiredToken'],
  [ItemNotRemovableError, 409, 'ItemNotRemovable'],
];

/** Maps an expected error to its response; undefined for an unexpected one. */
export function toApiError(error: unknown): ApiError | undefined {
  if (error instanceof ApiError) return error;
  for (const [Class, status, code] of codesByClass)
    if (error instanceof Class) return new ApiError(status, code, error.message);
  if (error instanceof NotAuthorizedError)
    return new ApiError(error.code === 'no-ticket' ? 400 : 403, 'MayNotDecide', error.message);
  if (error instanceof SlackError)
    return error.isPermanent
      ? invalidRequestError(`${error.message}; nothing was stored`)
      : new ApiError(503, 'SlackUnavailable', `${error.message}; nothing was stored, try again`);
  if (error instanceof PolicyProblemsError)
    return new ApiError(400, 'InvalidPolicy', error.message, { details: { problems: error.problems } });
  if (error instanceof TooManyRemovalsError) {
    const { removals, managed } = error;
    return new ApiError(409, 'TooManyRemovals', error.message, { details: { removals, managed } });
  }
  if (error instanceof StalePlanError)
    return new ApiError(409, 'StalePlan', error.message, { details: { changed: error.changedItems } });
  if (error instanceof TableBusyError)
    return new ApiError(503, 'TableBusy', `${error.message}: try again in a few seconds`, {
      retryAfterSeconds: 5,
    });
  if (error instanceof UnreadableItemError) return new ApiError(409, 'UnreadableItem', unreadableText(error));
  return error instanceof OptimisticLockError ? conflictError(`${error.message}; try again`) : undefined;
}

const internalErrorResponse = {
  status: 500 as const,
  code: 'InternalError',
  message: 'linkgate failed: see the log of on-api-request, and check the current state before you try again',
  details: undefined,
  retryAfterSeconds: undefined,
};

/** Responds with an error, and reports it if it is unexpected. */
export function toErrorResponse(error: unknown, context: Context<ApiEnv>): Response {
  const apiError = toApiError(error);
  if (!apiError || error instanceof UnreadableItemError)
    context.get('api').reportError(error, 'handle API request');
  const { status, code, message, details, retryAfterSeconds } = apiError ?? internalErrorResponse;
  if (retryAfterSeconds !== undefined) context.header('retry-after', String(retryAfterSeconds));
  return context.json({ error: { code, message, ...(details && { details }) } }, status);
}
