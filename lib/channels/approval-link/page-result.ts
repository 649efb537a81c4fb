import type { Page } from './html.ts';
import type { LinkClaims } from './link.ts';

/** The HTTP status of each outcome. */
export const httpStatus = {
  shown: 200,
  decided: 200,
  'invalid-signature': 400,
  'not-an-approver': 403,
  'api-only': 403,
  owner: 403,
  'outdated-link': 409,
  'already-decided': 409,
  'decided-concurrently': 409,
  unreadable: 409,
  expired: 410,
  'link-already-used': 410,
  'unknown-request': 410,
  incomplete: 422,
  'internal-error': 500,
} as const;

export interface PageResult {
  readonly outcome: keyof typeof httpStatus;
  readonly page: Page;
  /** Present for a link with a valid signature. */
  readonly claims?: LinkClaims;
}
