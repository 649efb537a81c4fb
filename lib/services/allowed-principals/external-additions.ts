import * as v from 'valibot';
import { Instant } from '../../values/instant.ts';
import type { ExternalAddition } from './principal-history.ts';

/** EC2's CloudTrail records write one element as an object, and several as an array. */
const oneOrMore = <const Schema extends v.GenericSchema>(schema: Schema) =>
  v.pipe(
    v.union([v.array(schema), schema]),
    v.transform((value): v.InferOutput<Schema>[] => (Array.isArray(value) ? value : [value])),
  );

/** AWS publishes no sample record of this call. The schema follows EC2's other records. */
const PermissionsModified = v.object({
  detail: v.object({
    eventName: v.literal('ModifyVpcEndpointServicePermissions'),
    eventTime: Instant,
    userIdentity: v.object({
      arn: v.exactOptional(v.string()),
      invokedBy: v.exactOptional(v.string()),
      principalId: v.exactOptional(v.string()),
    }),
    requestParameters: v.object({
      ModifyVpcEndpointServicePermissionsRequest: v.object({
        ServiceId: v.string(),
        AddAllowedPrincipals: oneOrMore(v.object({ content: v.string() })),
      }),
    }),
  }),
});

const PermissionsModifiedBody = v.pipe(v.string(), v.parseJson(), PermissionsModified);

/**
 * Parses the author, the principals and the time of an addition from a CloudTrail event. linkgate reads the current principals
 * from EC2.
 */
export function parseExternalAdditions(
  body: string,
): { readonly serviceId: string; readonly additions: ExternalAddition[] } | undefined {
  const event = v.safeParse(PermissionsModifiedBody, body);
  if (!event.success) return undefined;
  const { userIdentity, eventTime, requestParameters } = event.output.detail;
  const { ServiceId, AddAllowedPrincipals } = requestParameters.ModifyVpcEndpointServicePermissionsRequest;
  const by = userIdentity.arn ?? userIdentity.invokedBy ?? userIdentity.principalId;
  if (by === undefined) return undefined;
  return {
    serviceId: ServiceId,
    additions: AddAllowedPrincipals.map(({ content }) => ({ principal: content, by, at: eventTime })),
  };
}
