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
import { ApiError } from './api-error.ts';
import type { ApiEnv } from './env.ts';

/** Maps an expected error to its response; undefined for an unexpected one. */
export function toApiError(error: unknown): ApiError | undefined {
  if (error instanceof ApiError) return error;
  if (error instanceof ServiceNotFoundError) return new ApiError(404, 'UnknownService', error.message);
  if (error instanceof NameTakenError) return new ApiError(400, 'NameTaken', error.message);
  if (error instanceof QuorumOutOfReachError) return new ApiError(400, 'InvalidRequest', error.message);
  if (error instanceof AccountTakenError) return new ApiError(409, 'AccountTaken', error.message);
  if (error instanceof ConcurrentModeChangeError) return new ApiError(409, 'Conflict', error.message);
  if (error instanceof UnknownGroupError) return new ApiError(409, 'Conflict', error.message);
  if (error instanceof NotAuthorizedError)
    return new ApiError(error.code === 'no-ticket' ? 400 : 403, 'MayNotDecide', error.message);
  if (error instanceof SlackError)
    return error.isPermanent
      ? new ApiError(400, 'InvalidRequest', `${error.message}; nothing was stored`)
      : new ApiError(503, 'SlackUnavailable', `${error.message}; nothing was stored, try again`);
  if (error instanceof PolicyProblemsError)
    return new ApiError(400, 'InvalidPolicy', error.message, { details: { problems: error.problems } });
  if (error instanceof IncompletePlanError) return new ApiError(404, 'UnknownPlan', error.message);
  if (error instanceof TooManyRemovalsError) {
    const { removals, managed } = error;
    return new ApiError(409, 'TooManyRemovals', error.message, { details: { removals, managed } });
  }
  if (error instanceof StalePlanError)
    return new ApiError(409, 'StalePlan', error.message, { details: { changed: error.changedItems } });
  if (error instanceof ApplyRunningError) return new ApiError(409, 'ApplyRunning', error.message);
  if (error instanceof OtherStageError) return new ApiError(409, 'OtherStage', error.message);
  if (error instanceof ExpiredTokenError) return new ApiError(400, 'ExpiredToken', error.message);
  if (error instanceof TableBusyError)
    return new ApiError(503, 'TableBusy', `${error.message}: try again in a few seconds`, {
      retryAfterSeconds: 5,
    });
  if (error instanceof UnreadableItemError) return new ApiError(409, 'UnreadableItem', unreadableText(error));
  if (error instanceof ItemNotRemovableError) return new ApiError(409, 'ItemNotRemovable', error.message);
  if (error instanceof OptimisticLockError)
    return new ApiError(409, 'Conflict', `${error.message}; try again`);
  return undefined;
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
