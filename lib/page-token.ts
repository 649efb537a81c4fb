import * as v from 'valibot';

/** The caller's token has expired, or is none that this list gave out. */
export class StaleTokenError extends Error {
  override readonly name = 'StaleTokenError';

  constructor(options?: ErrorOptions) {
    super('the nextToken has expired, or is none that this list gave out: begin again without it', options);
  }
}

/** Where a list goes on, as its callers hold it. */
export function pageToken(list: string, position: object): string {
  return Buffer.from(JSON.stringify({ list, position })).toString('base64url');
}

/** @throws StaleTokenError, for another list's token too. */
export function positionIn<const Schema extends v.GenericSchema>(
  list: string,
  token: string,
  schema: Schema,
): v.InferOutput<Schema> {
  try {
    const Token = v.object({ list: v.literal(list), position: schema });
    return v.parse(Token, JSON.parse(Buffer.from(token, 'base64url').toString())).position;
  } catch (cause) {
    throw new StaleTokenError({ cause });
  }
}

/** Where a list over several places goes on: in which of them, and EC2's own token there. */
export const PlacePosition = v.object({
  place: v.pipe(v.number(), v.integer(), v.minValue(0)),
  nextToken: v.exactOptional(v.pipe(v.string(), v.nonEmpty())),
});
export type PlacePosition = v.InferOutput<typeof PlacePosition>;

/**
 * @returns undefined where there are no places.
 * @throws StaleTokenError where there are fewer than there were.
 */
export function placeAt<Place>(places: readonly Place[], { place }: PlacePosition): Place | undefined {
  if (place > 0 && place >= places.length) throw new StaleTokenError();
  return places[place];
}

/** The token after a page of a place; undefined after the last page of the last one. */
export function tokenAfter(
  list: string,
  { place }: PlacePosition,
  ofEc2: string | undefined,
  places: number,
): string | undefined {
  if (ofEc2 !== undefined) return pageToken(list, { place, nextToken: ofEc2 });
  return place + 1 < places ? pageToken(list, { place: place + 1 }) : undefined;
}
