'use strict';

/** Returns the ARN of a resource of this stack. */
function arnOf(logicalId) {
  return { 'Fn::GetAtt': [logicalId, 'Arn'] };
}

module.exports = { arnOf };
