import { domainToASCII } from 'node:url';
import * as v from 'valibot';

const atom = "[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+";
const label = '[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?';
const local = new RegExp(`^${atom}(?:\\.${atom})*$`);
const domain = new RegExp(`^(?:${label}\\.)+(?!\\d+$)(?=..)${label}$`);

/** RFC 5321: what stands before the `@`, and the whole of it. */
const longest = { local: 64, address: 254 };

/** An e-mail address, wherever one is taken. SNS delivers to domains in ASCII alone. */
export const Email = v.pipe(
  v.string(),
  v.check(isEmailAddress, ({ input }) => inAscii(input) ?? form),
  v.metadata({ format: 'email' }),
);

const form = 'an e-mail address looks like alice@example.com';

function isEmailAddress(text: string): boolean {
  const [before = '', after = '', ...rest] = text.split('@');
  const isOne = rest.length === 0 && local.test(before) && domain.test(after);
  return isOne && before.length <= longest.local && text.length <= longest.address;
}

/** What to write in the place of a domain with other letters. */
function inAscii(text: string): string | undefined {
  const [before = '', after = '', ...rest] = text.split('@');
  const written = `${before}@${domainToASCII(after)}`;
  const isOther = rest.length === 0 && /[^\p{ASCII}]/u.test(after);
  return isOther && isEmailAddress(written)
    ? `an e-mail address has its domain in ASCII: ${written}`
    : undefined;
}
