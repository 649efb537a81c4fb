import type { HttpApi } from '../../http-api.ts';
import { type ResourceTypes, resourceArn, type Stack } from '../resource-type.ts';

export const httpApiResources: ResourceTypes = {
  'AWS::ApiGatewayV2::Api': {
    properties: ['Name', 'ProtocolType', 'Tags'],
    create({ Name, ProtocolType }, stack) {
      if (ProtocolType !== 'HTTP') throw new Error('the sandbox has HTTP APIs only');
      const id = Name.replace(/[^a-z0-9]/gi, '').toLowerCase();
      stack.emulator.httpApis.add({
        id,
        arn: resourceArn(stack, 'execute-api', id),
        routes: [],
        throttling: undefined,
      });
      return {
        ref: id,
        attributes: { ApiEndpoint: `${stack.emulator.origin}/execute-api/${id}` },
      };
    },
  },

  'AWS::ApiGatewayV2::Stage': {
    properties: ['AccessLogSettings', 'ApiId', 'AutoDeploy', 'DefaultRouteSettings', 'StageName', 'Tags'],
    create({ ApiId, StageName, DefaultRouteSettings }, stack) {
      if (StageName !== '$default') throw new Error('the sandbox has the stage `$default` only');
      const { ThrottlingBurstLimit: capacity, ThrottlingRateLimit: refillPerSecond } = DefaultRouteSettings;
      findApi(ApiId, stack).throttling = { capacity, refillPerSecond };
      return { ref: StageName };
    },
  },

  'AWS::ApiGatewayV2::Integration': {
    properties: ['ApiId', 'IntegrationType', 'IntegrationUri', 'PayloadFormatVersion', 'TimeoutInMillis'],
    create({ IntegrationType, IntegrationUri, PayloadFormatVersion }) {
      if (IntegrationType !== 'AWS_PROXY' || PayloadFormatVersion !== '2.0')
        throw new Error('the sandbox integrates functions by payload format 2.0 only');
      // The integration's id is the function ARN, by which a route finds its function.
      return { ref: IntegrationUri };
    },
  },

  'AWS::ApiGatewayV2::Route': {
    properties: ['ApiId', 'AuthorizationType', 'RouteKey', 'Target'],
    create({ ApiId, AuthorizationType = 'NONE', RouteKey, Target }, stack, logicalId) {
      if (!['NONE', 'AWS_IAM'].includes(AuthorizationType))
        throw new Error(`the sandbox does not know the authorization \`${AuthorizationType}\``);
      findApi(ApiId, stack).routes.push({
        key: RouteKey,
        functionArn: Target.replace(/^integrations\//, ''),
        needsIam: AuthorizationType === 'AWS_IAM',
      });
      return { ref: logicalId };
    },
  },
};

function findApi(id: string, { emulator }: Stack): HttpApi {
  const api = emulator.httpApis.find(id);
  if (!api) throw new Error(`there is no HTTP API \`${id}\``);
  return api;
}
