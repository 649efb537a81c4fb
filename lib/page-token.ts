import * as v from 'valibot';

/** The caller's token is none that this list gave out. */
export class MalformedTokenError extends Error {
  override readonly name = 'MalformedTokenError';
}

/** Where a list goes on, as its callers hold it. */
export function pageToken(position: object): string {
  return Buffer.from(JSON.stringify(position)).toString('base64url');
}

/** @throws MalformedTokenError */
export function positionIn<const Schema extends v.GenericSchema>(
  token: string,
  schema: Schema,
): v.InferOutput<Schema> {
  try {
    return v.parse(schema, JSON.parse(Buffer.from(token, 'base64url').toString()));
  } catch (cause) {
    throw new MalformedTokenError('the nextToken is not one that this list gave out; ask again without it', {
      cause,
    });
  }
}

/** Where a list over several places goes on: in which of them, and EC2's own token there. */
export const PlacePosition = v.object({
  place: v.pipe(v.number(), v.integer(), v.minValue(0)),
  nextToken: v.exactOptional(v.string()),
});
export type PlacePosition = v.InferOutput<typeof PlacePosition>;

/** The token after a page of a place; undefined after the last page of the last one. */
export function tokenAfter(
  { place }: PlacePosition,
  ofEc2: string | undefined,
  places: number,
): string | undefined {
  if (ofEc2 !== undefined) return pageToken({ place, nextToken: ofEc2 });
  return place + 1 < places ? pageToken({ place: place + 1 }) : undefined;
}
