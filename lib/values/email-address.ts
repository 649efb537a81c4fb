import { domainToASCII } from 'node:url';
import * as v from 'valibot';

const atom = "[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+";
const label = '[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?';
const localPartPattern = new RegExp(`^${atom}(?:\\.${atom})*$`);
const domainPattern = new RegExp(`^(?:${label}\\.)+(?!\\d+$)(?=..)${label}$`);

/** RFC 5321: the maximum length of the local part and of the address. */
const maxEmailLength = { local: 64, address: 254 };

/** Validates an e-mail address. SNS delivers only to ASCII domains. */
export const Email = v.pipe(
  v.string(),
  v.check(isEmailAddress, ({ input }) => suggestAscii(input) ?? emailFormat),
  v.metadata({ format: 'email' }),
);

const emailFormat = 'an e-mail address looks like alice@example.com';

function isEmailAddress(text: string): boolean {
  const [before = '', after = '', ...rest] = text.split('@');
  const isOne = rest.length === 0 && localPartPattern.test(before) && domainPattern.test(after);
  return isOne && before.length <= maxEmailLength.local && text.length <= maxEmailLength.address;
}

/** Suggests the ASCII form of an address with an international domain. */
function suggestAscii(text: string): string | undefined {
  const [before = '', after = '', ...rest] = text.split('@');
  const written = `${before}@${domainToASCII(after)}`;
  const isOther = rest.length === 0 && /[^\p{ASCII}]/u.test(after);
  return isOther && isEmailAddress(written)
    ? `an e-mail address has its domain in ASCII: ${written}`
    : undefined;
}
