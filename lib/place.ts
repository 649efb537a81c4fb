import * as v from 'valibot';

/** Where endpoint services live: one AWS account in one Region. */
export const Place = v.object({
  accountId: v.pipe(v.string(), v.regex(/^\d{12}$/)),
  region: v.pipe(v.string(), v.regex(/^[a-z]{2}(-[a-z]+)+-\d$/)),
});
export type Place = v.InferOutput<typeof Place>;

/** `111122223333/us-east-1`: how a place is written in keys and message groups. */
export function placeName({ accountId, region }: Place): string {
  return `${accountId}/${region}`;
}

export function placeNamed(name: string): Place {
  const [accountId, region] = name.split('/');
  return v.parse(Place, { accountId, region });
}
