import type { ApprovalView } from '../../approvals/approval-view.ts';
import { emailActor } from '../../approvers/actor.ts';
import { type ConnectionRecord, isAwaitingApproval } from '../../connections/connection-record.ts';
import type { PersonDecision } from '../../connections/person-decision.ts';
import { NotAuthorizedError, requireApprover } from '../../policy/authorize.ts';
import type { LinkClaims } from './link.ts';
import type { PageResult } from './page-result.ts';
import * as pages from './result-pages.ts';

/** Renders the page for a valid link that may not decide. Only an approver sees the status of the request. */
export function linkRejection(view: ApprovalView, claims: LinkClaims): PageResult | undefined {
  const { record } = view;
  const unauthorized = checkLinkAddress(view, claims);
  if (unauthorized?.outcome === 'not-an-approver') return unauthorized;
  if (record.approvalRequest?.version !== claims.version) return pages.outdatedLinkPage(view);
  return notOpenPage(view, claims) ?? unauthorized;
}

/** Renders the page for a decided or closed request, or for a changed disconnect time. */
export function notOpenPage(view: ApprovalView, claims: LinkClaims): PageResult | undefined {
  const { record } = view;
  const decision = findEarlierDecision(record, claims);
  if (decision) return pages.linkAlreadyUsedPage(view, decision);
  if (!isAwaitingApproval(record)) return pages.alreadyDecidedPage(view);
  const isChanged = claims.purpose === 'extend' && record.revocation?.disconnectAt !== claims.disconnectAt;
  return isChanged ? pages.notExtendedPage(view) : undefined;
}

/** Finds the earlier decision of this address. An approver may still deny until the quorum approves. */
function findEarlierDecision(
  { personDecision, approvals }: ConnectionRecord,
  { address, purpose }: LinkClaims,
): PersonDecision | undefined {
  const by = emailActor(address);
  if (personDecision?.by === by) return personDecision;
  return approvals?.decisions.find((decision) => decision.by === by && decision.decision === purpose);
}

function checkLinkAddress(view: ApprovalView, claims: LinkClaims): PageResult | undefined {
  try {
    requireApprover(
      { by: emailActor(claims.address), decision: claims.purpose === 'deny' ? 'deny' : 'approve' },
      view,
    );
    return undefined;
  } catch (error) {
    if (!(error instanceof NotAuthorizedError)) throw error;
    // The form reports a missing ticket itself.
    return error.code === 'no-ticket' ? undefined : unauthorizedPages[error.code](view, claims);
  }
}

const unauthorizedPages = {
  'not-an-approver': pages.notAnApproverPage,
  'api-only': pages.decideInApiOnlyPage,
  owner: pages.accountOwnerPage,
} as const;
