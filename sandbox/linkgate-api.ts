/** Calls linkgate's HTTP API as the root of an account. Returns the body; throws an error response. */
export async function callLinkgate(
  apiUrl: string,
  accountId: string,
  method: string,
  path: string,
  input?: unknown,
): Promise<unknown> {
  const response = await fetch(`${apiUrl}${path}`, {
    method,
    headers: {
      // The sandbox does not verify signatures.
      authorization: `AWS4-HMAC-SHA256 Credential=${accountId}/20260101/us-east-1/execute-api/aws4_request, SignedHeaders=host, Signature=0`,
      ...(input !== undefined && { 'content-type': 'application/json' }),
    },
    ...(input !== undefined && { body: JSON.stringify(input) }),
  });
  const answer = await response.text();
  if (!response.ok) throw new Error(`linkgate answered ${method} ${path} with ${response.status}: ${answer}`);
  return JSON.parse(answer);
}
