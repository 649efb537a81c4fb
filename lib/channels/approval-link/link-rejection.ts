import type { ApprovalView } from '../../approvals/approval-view.ts';
import { emailActor } from '../../approvers/actor.ts';
import { type ConnectionRecord, isAwaitingApproval } from '../../connections/connection-record.ts';
import type { PersonDecision } from '../../connections/person-decision.ts';
import { NotAuthorizedError, requireApprover } from '../../policy/authorize.ts';
import type { LinkClaims } from './link.ts';
import type { PageResult } from './page-result.ts';
import * as pages from './result-pages.ts';

/** Why a link decides nothing, although linkgate made it. Who is no approver is not told how the request stands. */
export function linkRejection(view: ApprovalView, claims: LinkClaims): PageResult | undefined {
  const { record } = view;
  const denied = checkLinkAddress(view, claims);
  if (denied?.outcome === 'not-an-approver') return denied;
  if (record.approvalRequest?.version !== claims.version)
    return { outcome: 'superseded', page: pages.outdatedLinkPage(record) };
  return notOpenPage(record, claims) ?? denied;
}

/** This person has answered already, or others have, or nothing is to be answered any more. */
export function notOpenPage(record: ConnectionRecord, claims: LinkClaims): PageResult | undefined {
  const word = findEarlierDecision(record, claims);
  if (word) return { outcome: 'used', page: pages.linkAlreadyUsedPage(record, word) };
  if (!isAwaitingApproval(record)) return { outcome: 'closed', page: pages.alreadyDecidedPage(record) };
  const isChanged = claims.purpose === 'extend' && record.revocation?.disconnectAt !== claims.disconnectAt;
  return isChanged ? { outcome: 'superseded', page: pages.notExtendedPage(record) } : undefined;
}

/** Whoever approved may still deny, while it takes others to approve too. */
function findEarlierDecision(
  { approval, approvals }: ConnectionRecord,
  { address, purpose }: LinkClaims,
): PersonDecision | undefined {
  const by = emailActor(address);
  if (approval?.by === by) return approval;
  return approvals?.decisions.find((word) => word.by === by && word.decision === purpose);
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
    // What the form lacks, such as a ticket, is said once there is one.
    return error.code === 'no-ticket'
      ? undefined
      : { outcome: error.code, page: unauthorizedPages[error.code](view, claims) };
  }
}

const unauthorizedPages = {
  'not-an-approver': pages.notAnApproverPage,
  'api-only': pages.decideInApiOnlyPage,
  owner: pages.accountOwnerPage,
} as const;
