import * as v from 'valibot';

/** The page token has expired, or belongs to another list. */
export class ExpiredTokenError extends Error {
  override readonly name = 'ExpiredTokenError';

  constructor(options?: ErrorOptions) {
    super('the nextToken has expired or belongs to another list: start again without it', options);
  }
}

/** Encodes the position in a list as an opaque token. */
export function encodePageToken(list: string, position: object): string {
  return Buffer.from(JSON.stringify({ list, position })).toString('base64url');
}

/** Returns the fields of a response that name the next page; none after the last page. */
export function nextPageFields(list: string, next: object | undefined): { nextToken?: string } {
  return next ? { nextToken: encodePageToken(list, next) } : {};
}

/**
 * Decodes the position in a list; without a token it is the start.
 * @throws ExpiredTokenError, also for a token of another list.
 */
export function decodeCursor<const Schema extends v.GenericSchema>(
  list: string,
  token: string | undefined,
  schema: Schema,
  start: v.InferOutput<Schema>,
): v.InferOutput<Schema> {
  if (token === undefined) return start;
  try {
    const Token = v.object({ list: v.literal(list), position: schema });
    return v.parse(Token, JSON.parse(Buffer.from(token, 'base64url').toString())).position;
  } catch (cause) {
    throw new ExpiredTokenError({ cause });
  }
}

/** The position in a list over several locations: the index of the location, and EC2's token there. */
export const LocationCursor = v.object({
  location: v.pipe(v.number(), v.integer(), v.minValue(0)),
  nextToken: v.exactOptional(v.pipe(v.string(), v.nonEmpty())),
});
export type LocationCursor = v.InferOutput<typeof LocationCursor>;

/**
 * @returns undefined if there are no locations.
 * @throws ExpiredTokenError if there are fewer locations than before.
 */
export function selectLocation<Place>(
  locations: readonly Place[],
  { location }: LocationCursor,
): Place | undefined {
  if (location > 0 && location >= locations.length) throw new ExpiredTokenError();
  return locations[location];
}

/** Returns the token of the next page; undefined after the last page of the last location. */
export function encodeCursor(
  list: string,
  { location }: LocationCursor,
  ofEc2: string | undefined,
  locations: number,
): string | undefined {
  if (ofEc2 !== undefined) return encodePageToken(list, { location, nextToken: ofEc2 });
  return location + 1 < locations ? encodePageToken(list, { location: location + 1 }) : undefined;
}
