import * as v from 'valibot';
import { Instant } from '../../values/instant.ts';
import type { ExternalAddition } from './principal-history.ts';

/** EC2's records in CloudTrail have one element as an object, and only several as an array. */
const oneOrMore = <const Schema extends v.GenericSchema>(schema: Schema) =>
  v.pipe(
    v.union([v.array(schema), schema]),
    v.transform((value): v.InferOutput<Schema>[] => (Array.isArray(value) ? value : [value])),
  );

/** No real record of this call is published: the form is that of EC2's others. */
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

/** Who added which principals when, as far as CloudTrail's event tells; nothing is trusted for what EC2 can show. */
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
