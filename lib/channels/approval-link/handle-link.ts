import { loadApprovalView } from '../../approvals/approval-view.ts';
import { extendStoredConnection } from '../../approvals/decide-connected-by-person.ts';
import { type SubmittedDecision, submitStoredDecision } from '../../approvals/submit-decision.ts';
import { emailActor } from '../../approvers/actor.ts';
import { UnknownGroupError } from '../../approvers/approver-group.ts';
import type { Mode } from '../../mode/mode.ts';
import { NotAuthorizedError } from '../../policy/authorize.ts';
import type { DecideDeps } from '../../reconcile/decide-connections.ts';
import { type Secret, verifyWithSecret } from '../../runtime/secret.ts';
import { OptimisticLockError } from '../../storage/optimistic-lock.ts';
import { type FormValues, parseDecisionForm } from './form.ts';
import { type ApprovalLink, type LinkClaims, verifyToken } from './link.ts';
import { linkRejection, notOpenPage } from './link-rejection.ts';
import type { PageResult } from './page-result.ts';
import { requestPage } from './request-page.ts';
import * as pages from './result-pages.ts';

export interface HandleLinkDeps extends DecideDeps {
  /** `links/signing-key` */
  readonly signingKey: Secret;
}

/**
 * Shows whoever follows a link the request as it is, or writes their word down.
 * @param entered what they sent with the form; absent where they only look, which changes nothing.
 */
export async function handleLink(
  token: string,
  entered: FormValues | undefined,
  deps: HandleLinkDeps,
): Promise<PageResult> {
  const link = await verifyLink(token, deps);
  if (link.status === 'tampered') return { outcome: 'tampered', page: pages.invalidSignaturePage() };
  const { claims } = link;
  const answer =
    link.status === 'expired'
      ? ({ outcome: 'expired', page: pages.linkExpiredPage(claims) } as const)
      : await handleLinkClaims(claims, entered, deps);
  return { ...answer, claims };
}

async function verifyLink(token: string, { signingKey, now }: HandleLinkDeps): Promise<ApprovalLink> {
  const link = await verifyWithSecret(signingKey, (keys) => {
    const read = verifyToken(token, keys, now());
    return read.status === 'tampered' ? undefined : read;
  });
  return link ?? { status: 'tampered' };
}

async function handleLinkClaims(
  claims: LinkClaims,
  entered: FormValues | undefined,
  deps: HandleLinkDeps,
): Promise<PageResult> {
  const view = await loadApprovalView(claims.endpointId, deps);
  if (!view) return { outcome: 'unknown', page: pages.unknownRequestPage(claims) };
  const refusal = linkRejection(view, claims);
  if (refusal) return refusal;
  const now = deps.now();
  if (!entered) return { outcome: 'shown', page: requestPage(view, claims, now) };

  const { purpose, address } = claims;
  const form = parseDecisionForm(entered, purpose, view.service, now);
  if ('problems' in form)
    return { outcome: 'incomplete', page: requestPage(view, claims, now, { formValues: entered, ...form }) };
  const by = emailActor(address);
  return catchConflict(() =>
    purpose === 'extend'
      ? extendByLink(claims, { by, reason: form.word.reason }, deps)
      : decideByLink(claims, { ...form.word, decision: purpose, by }, view.mode, deps),
  );
}

async function catchConflict(answer: () => Promise<PageResult>): Promise<PageResult> {
  try {
    return await answer();
  } catch (error) {
    if (conflictErrors.some((kind) => error instanceof kind))
      return { outcome: 'overtaken', page: pages.decidedConcurrentlyPage() };
    throw error;
  }
}

async function extendByLink(
  claims: LinkClaims,
  { by, reason }: { readonly by: string; readonly reason: string | undefined },
  deps: HandleLinkDeps,
): Promise<PageResult> {
  const { endpointId, disconnectAt: from = '' } = claims;
  const answer = await extendStoredConnection(
    endpointId,
    { by, from, ...(reason !== undefined && { reason }) },
    deps,
  );
  if (answer.status === 'done') return { outcome: 'decided', page: pages.extendedPage(answer.record) };
  return answer.status === 'no-scheduled-disconnect'
    ? { outcome: 'superseded', page: pages.notExtendedPage(answer.record) }
    : { outcome: 'unknown', page: pages.unknownRequestPage(claims) };
}

async function decideByLink(
  claims: LinkClaims,
  word: SubmittedDecision,
  mode: Mode,
  deps: HandleLinkDeps,
): Promise<PageResult> {
  const decision = await submitStoredDecision(claims.endpointId, word, deps);
  if (decision.status === 'decided')
    return {
      outcome: 'decided',
      page: pages.decisionRecordedPage(decision, { isObserving: mode === 'observe' }),
    };
  const record = decision.status === 'not-open' ? decision.record : undefined;
  return (
    (record && notOpenPage(record, claims)) ?? { outcome: 'unknown', page: pages.unknownRequestPage(claims) }
  );
}

/** What changed since the request was looked at: who looks again is told. */
const conflictErrors = [OptimisticLockError, NotAuthorizedError, UnknownGroupError];
