import { type ApprovalView, loadApprovalView } from '../../approvals/approval-view.ts';
import { extendStoredConnection } from '../../approvals/decide-connected-by-person.ts';
import { type SubmittedDecision, submitStoredDecision } from '../../approvals/submit-decision.ts';
import { emailActor } from '../../approvers/actor.ts';
import { UnknownGroupError } from '../../approvers/approver-group.ts';
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
 * Shows the request, or records the decision of the approver who submits the form.
 * @param entered the submitted form; undefined for a GET, which changes nothing
 */
export async function handleLink(
  token: string,
  entered: FormValues | undefined,
  deps: HandleLinkDeps,
): Promise<PageResult> {
  const link = await verifyLink(token, deps);
  if (link.status === 'invalid-signature') return pages.invalidSignaturePage();
  const { claims } = link;
  const result =
    link.status === 'expired' ? pages.linkExpiredPage(claims) : await handleLinkClaims(claims, entered, deps);
  return { ...result, claims };
}

async function verifyLink(token: string, { signingKey, now }: HandleLinkDeps): Promise<ApprovalLink> {
  const link = await verifyWithSecret(signingKey, (keys) => {
    const candidate = verifyToken(token, keys, now());
    return candidate.status === 'invalid-signature' ? undefined : candidate;
  });
  return link ?? { status: 'invalid-signature' };
}

async function handleLinkClaims(
  claims: LinkClaims,
  entered: FormValues | undefined,
  deps: HandleLinkDeps,
): Promise<PageResult> {
  const view = await loadApprovalView(claims.endpointId, deps);
  if (!view) return pages.unknownRequestPage(claims);
  const rejection = linkRejection(view, claims);
  if (rejection) return rejection;
  const now = deps.now();
  if (!entered) return { outcome: 'shown', page: requestPage(view, claims, now) };

  const { purpose, address } = claims;
  const form = parseDecisionForm(entered, purpose, view.service, now);
  if ('problems' in form)
    return { outcome: 'incomplete', page: requestPage(view, claims, now, { formValues: entered, ...form }) };
  const by = emailActor(address);
  return catchConflict(() =>
    purpose === 'extend'
      ? extendByLink(view, claims, { by, reason: form.decision.reason }, deps)
      : decideByLink(view, claims, { ...form.decision, decision: purpose, by }, deps),
  );
}

async function catchConflict(decide: () => Promise<PageResult>): Promise<PageResult> {
  try {
    return await decide();
  } catch (error) {
    if (conflictErrors.some((errorClass) => error instanceof errorClass))
      return pages.decidedConcurrentlyPage();
    throw error;
  }
}

async function extendByLink(
  view: ApprovalView,
  claims: LinkClaims,
  { by, reason }: { readonly by: string; readonly reason: string | undefined },
  deps: HandleLinkDeps,
): Promise<PageResult> {
  const { endpointId, disconnectAt: from = '' } = claims;
  const result = await extendStoredConnection(
    endpointId,
    { by, from, ...(reason !== undefined && { reason }) },
    deps,
  );
  if (result.status === 'done') return pages.extendedPage({ ...view, record: result.record });
  return result.status === 'no-scheduled-disconnect'
    ? pages.notExtendedPage({ ...view, record: result.record })
    : pages.unknownRequestPage(claims);
}

async function decideByLink(
  view: ApprovalView,
  claims: LinkClaims,
  decision: SubmittedDecision,
  deps: HandleLinkDeps,
): Promise<PageResult> {
  const result = await submitStoredDecision(claims.endpointId, decision, deps);
  if (result.status === 'decided')
    return pages.decisionRecordedPage({ ...view, record: result.record }, result.personDecision);
  const record = result.status === 'not-open' ? result.record : undefined;
  return (record && notOpenPage({ ...view, record }, claims)) ?? pages.unknownRequestPage(claims);
}

/** Errors of a concurrent change since `loadApprovalView`: a reload of the page shows the new status. */
const conflictErrors = [OptimisticLockError, NotAuthorizedError, UnknownGroupError];
