import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  createLink,
  type LinkClaims,
  NoSigningKeyError,
  verifyToken,
} from '../../../lib/channels/approval-link/link.ts';
import { endpointId, noon, secondsAfterNoon } from '../../builders.ts';

const approvalUrl = 'https://links.example.com/approval';
const claims: LinkClaims = {
  purpose: 'approve',
  endpointId: endpointId(1),
  version: 3,
  address: 'approver@example.com',
  expiresAt: secondsAfterNoon(3600).toISOString(),
};

function createToken(granted: LinkClaims = claims, key = 'a-key'): string {
  return new URL(createLink(approvalUrl, granted, key)).searchParams.get('token') ?? '';
}

const anyClaims = fc.record({
  purpose: fc.constantFrom('approve', 'deny'),
  endpointId: fc.nat().map(endpointId),
  version: fc.nat(),
  address: fc.emailAddress(),
  expiresAt: fc.constant(claims.expiresAt),
}) satisfies fc.Arbitrary<LinkClaims>;

describe('a link', () => {
  test('starts with the approval URL of the deployment, and contains its claims', () => {
    fc.assert(
      fc.property(anyClaims, fc.string({ minLength: 1 }), (granted, key) => {
        expect(createLink(approvalUrl, granted, key)).toMatch(
          /^https:\/\/links\.example\.com\/approval\?token=1\./,
        );
        expect(verifyToken(createToken(granted, key), [key], noon)).toEqual({
          status: 'valid',
          claims: granted,
        });
      }),
    );
  });

  test('is valid only without a changed, missing or added character', () => {
    const token = createToken();
    const anyPlace = fc.nat(token.length - 1);
    fc.assert(
      fc.property(anyPlace, fc.string({ maxLength: 2 }), (location, instead) => {
        const changed = token.slice(0, location) + instead + token.slice(location + 1);
        fc.pre(changed !== token);
        expect(verifyToken(changed, ['a-key'], noon)).toEqual({ status: 'invalid-signature' });
      }),
      { numRuns: 500 },
    );
  });

  test('is invalid with changed padding bits of its base64url text', () => {
    const token = createToken();
    const otherTokens = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_']
      .map((last) => token.slice(0, -1) + last)
      .filter((other) => other !== token);
    for (const other of otherTokens)
      expect(verifyToken(other, ['a-key'], noon).status).toBe('invalid-signature');
  });

  test('has a signature over its purpose, request, version, approver and expiry', () => {
    fc.assert(
      fc.property(anyClaims, anyClaims, (one, other) => {
        const [, payload] = createToken(one).split('.');
        const [, otherPayload, proof] = createToken(other).split('.');
        fc.pre(payload !== otherPayload);
        expect(verifyToken(`1.${payload}.${proof}`, ['a-key'], noon).status).toBe('invalid-signature');
      }),
    );
  });

  test('is invalid in any other format', () => {
    fc.assert(
      fc.property(fc.string(), (token) => {
        expect(verifyToken(token, ['a-key'], noon)).toEqual({ status: 'invalid-signature' });
      }),
    );
    expect(verifyToken(createToken().replace(/^1/, '2'), ['a-key'], noon).status).toBe('invalid-signature');
  });

  test('expires at its time, and still contains its claims', () => {
    expect(verifyToken(createToken(), ['a-key'], secondsAfterNoon(3599)).status).toBe('valid');
    expect(verifyToken(createToken(), ['a-key'], secondsAfterNoon(3600))).toEqual({
      status: 'expired',
      claims,
    });
  });
});

describe('the signing key', () => {
  test('may be the current or the previous one', () => {
    expect(verifyToken(createToken(claims, 'old'), ['new', 'old'], noon).status).toBe('valid');
    expect(verifyToken(createToken(claims, 'new'), ['new', 'old'], noon).status).toBe('valid');
    expect(verifyToken(createToken(claims, 'older'), ['new', 'old'], noon).status).toBe('invalid-signature');
  });

  test('is required to create and to accept a link', () => {
    expect(() => createLink(approvalUrl, claims, '')).toThrow(NoSigningKeyError);
    expect(verifyToken(createToken(), [], noon).status).toBe('invalid-signature');
  });
});
