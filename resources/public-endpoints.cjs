'use strict';

const { arnOf } = require('./arn-of.cjs');

/** The routes without IAM authorization, by function: each function authenticates the caller itself. */
const receivers = {
  OnDashslackDashinteractionLambdaFunction: ['POST /slack'],
  OnDashapprovalDashlinkLambdaFunction: ['GET /approval', 'HEAD /approval', 'POST /approval'],
};

const api = { Ref: 'ReceiversApi' };

function integration([functionId, routes]) {
  const integrationId = `${functionId}Integration`;
  return {
    [integrationId]: {
      Type: 'AWS::ApiGatewayV2::Integration',
      Properties: {
        ApiId: api,
        IntegrationType: 'AWS_PROXY',
        IntegrationUri: arnOf(functionId),
        PayloadFormatVersion: '2.0',
        TimeoutInMillis: 10_000,
      },
    },
    [`${functionId}ReceiverPermission`]: {
      Type: 'AWS::Lambda::Permission',
      Properties: {
        FunctionName: arnOf(functionId),
        Action: 'lambda:InvokeFunction',
        Principal: 'apigateway.amazonaws.com',
        SourceArn: {
          'Fn::Sub': 'arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:${ReceiversApi}/*',
        },
      },
    },
    ...Object.fromEntries(
      routes.map((RouteKey) => [
        `Receive${RouteKey.replace(/[^A-Za-z]/g, '')}Route`,
        {
          Type: 'AWS::ApiGatewayV2::Route',
          Properties: {
            ApiId: api,
            RouteKey,
            Target: { 'Fn::Join': ['/', ['integrations', { Ref: integrationId }]] },
          },
        },
      ]),
    ),
  };
}

const address = (path) => ({ 'Fn::Join': ['', [{ 'Fn::GetAtt': ['ReceiversApi', 'ApiEndpoint'] }, path]] });
const slackRequestUrl = address('/slack');
const approvalUrl = address('/approval');

const resources = {
  Resources: Object.assign(
    {
      ReceiversApi: {
        Type: 'AWS::ApiGatewayV2::Api',
        Properties: { Name: 'linkgate-${sls:stage}-receivers', ProtocolType: 'HTTP' },
      },
      ReceiversLogGroup: {
        Type: 'AWS::Logs::LogGroup',
        Properties: {
          LogGroupName: '/aws/http-api/linkgate-${sls:stage}-receivers',
          RetentionInDays: 90,
        },
      },
      ReceiversStage: {
        Type: 'AWS::ApiGatewayV2::Stage',
        Properties: {
          ApiId: api,
          StageName: '$default',
          AutoDeploy: true,
          DefaultRouteSettings: {
            ThrottlingBurstLimit: 50,
            ThrottlingRateLimit: 25,
          },
          AccessLogSettings: {
            DestinationArn: arnOf('ReceiversLogGroup'),
            // The log leaves out the query string, which may contain the token of an approval link.
            Format:
              '{"requestId":"$context.requestId","time":"$context.requestTime","from":"$context.identity.sourceIp","route":"$context.routeKey","status":"$context.status","error":"$context.error.message"}',
          },
        },
      },
    },
    ...Object.entries(receivers).map(integration),
  ),
  Outputs: {
    SlackRequestUrl: { Description: "The Slack app's request URL", Value: slackRequestUrl },
    ApprovalUrl: { Description: 'The base URL of approval links in e-mails', Value: approvalUrl },
  },
};

module.exports = { resources, slackRequestUrl, approvalUrl };
