import { mailActor } from '../approval/actor.ts';
import type { Approval } from '../approval/approval.ts';
import { checkApprover, MayNotDecideError } from '../approval/may-decide.ts';
import type { RequestView } from '../approval/request-view.ts';
import { type ConnectionRecord, isOpen } from '../connection/connection-record.ts';
import type { Answer } from './answer.ts';
import type { LinkClaims } from './link.ts';
import * as pages from './outcome-pages.ts';

/** Why a link decides nothing, although linkgate made it. Who is no approver is not told how the request stands. */
export function refusalOf(view: RequestView, claims: LinkClaims): Answer | undefined {
  const { record } = view;
  const denied = unauthorised(view, claims);
  if (denied?.outcome === 'not-an-approver') return denied;
  if (record.asking?.version !== claims.version)
    return { outcome: 'superseded', page: pages.superseded(record) };
  return notOpen(record, claims) ?? denied;
}

/** This person has answered already, or others have, or nothing is to be answered any more. */
export function notOpen(record: ConnectionRecord, claims: LinkClaims): Answer | undefined {
  const word = wordBefore(record, claims);
  if (word) return { outcome: 'used', page: pages.used(record, word) };
  if (!isOpen(record)) return { outcome: 'closed', page: pages.closed(record) };
  const isChanged = claims.purpose === 'extend' && record.revocation?.cutAt !== claims.cutAt;
  return isChanged ? { outcome: 'superseded', page: pages.notExtended(record) } : undefined;
}

/** Whoever approved may still deny, while it takes others to approve too. */
function wordBefore(
  { approval, approvals }: ConnectionRecord,
  { address, purpose }: LinkClaims,
): Approval | undefined {
  const by = mailActor(address);
  if (approval?.by === by) return approval;
  return approvals?.words.find((word) => word.by === by && word.decision === purpose);
}

function unauthorised(view: RequestView, claims: LinkClaims): Answer | undefined {
  try {
    checkApprover(
      { by: mailActor(claims.address), decision: claims.purpose === 'deny' ? 'deny' : 'approve' },
      view,
    );
    return undefined;
  } catch (error) {
    if (!(error instanceof MayNotDecideError)) throw error;
    // What the form lacks, such as a ticket, is said once there is one.
    return error.why === 'no-ticket'
      ? undefined
      : { outcome: error.why, page: pageOf[error.why](view, claims) };
  }
}

const pageOf = {
  'not-an-approver': pages.notAnApprover,
  'api-only': pages.apiOnly,
  owner: pages.owner,
} as const;
