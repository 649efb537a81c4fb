'use strict';

const { operations } = require('./api.cjs');

/** Each level includes the permissions of the levels before it. */
const levels = [
  { name: 'viewer', description: 'Read access to the API of linkgate' },
  {
    name: 'approver',
    description:
      'Read access to the API of linkgate; may approve and deny requests and extend scheduled disconnects',
  },
  { name: 'administrator', description: 'Full access to the API of linkgate' },
];

/** Replaces path parameters with wildcards. */
const resourceOf = ({ method, path }) => ({
  'Fn::Sub': `arn:\${AWS::Partition}:execute-api:\${AWS::Region}:\${AWS::AccountId}:\${HttpApi}/$default/${method}${path.replace(/\{\w+\}/g, '*')}`,
});

// The URL of the API. ssm:GetParametersByPath would also show the secrets below the same path.
const findApi = {
  Effect: 'Allow',
  Action: 'ssm:GetParameter',
  Resource: {
    'Fn::Sub':
      'arn:${AWS::Partition}:ssm:${AWS::Region}:${AWS::AccountId}:parameter/linkgate/${sls:stage}/api-url',
  },
};

function managedPolicy({ name, description }, index) {
  const included = levels.slice(0, index + 1).map((level) => level.name);
  const allowed = operations.filter(({ access }) => included.includes(access));
  return {
    Type: 'AWS::IAM::ManagedPolicy',
    Properties: {
      // IAM is global, so the name includes the Region.
      ManagedPolicyName: { 'Fn::Sub': `linkgate-\${sls:stage}-${name}-\${AWS::Region}` },
      Description: description,
      PolicyDocument: {
        Version: '2012-10-17',
        Statement: [
          { Effect: 'Allow', Action: 'execute-api:Invoke', Resource: allowed.map(resourceOf) },
          findApi,
        ],
      },
    },
  };
}

const logicalId = ({ name }) => `${name[0].toUpperCase()}${name.slice(1)}Policy`;

module.exports = () => ({
  Resources: Object.fromEntries(
    levels.map((level, index) => [logicalId(level), managedPolicy(level, index)]),
  ),
  Outputs: Object.fromEntries(
    levels.map((level) => [`${logicalId(level)}Arn`, { Value: { Ref: logicalId(level) } }]),
  ),
});
