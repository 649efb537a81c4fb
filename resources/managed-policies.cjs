'use strict';

const { operations } = require('./api.cjs');

/** Each level may what those before it may, and more. */
const levels = [
  { name: 'viewer', description: 'Sees all that the API of linkgate shows, and changes nothing' },
  {
    name: 'approver',
    description:
      'Sees all that the API of linkgate shows, approves or denies what people are asked about, and puts off cuts',
  },
  { name: 'administrator', description: 'May call every operation of the API of linkgate' },
];

/** Parameters of a path are whatever the caller says. */
const resourceOf = ({ method, path }) => ({
  'Fn::Sub': `arn:\${AWS::Partition}:execute-api:\${AWS::Region}:\${AWS::AccountId}:\${HttpApi}/$default/${method}${path.replace(/\{\w+\}/g, '*')}`,
});

// Where the API is. Not ssm:GetParametersByPath, which would show the secrets that lie beside it.
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
      // Names of policies are the same set in all Regions.
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
