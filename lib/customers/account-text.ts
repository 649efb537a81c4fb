/** Formats an account id with its customer's name, if it has one: `444455556666 (initech)`. */
export function accountText(accountId: string, customer: string | undefined): string {
  return customer === undefined ? accountId : `${accountId} (${customer})`;
}
