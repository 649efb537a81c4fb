'use strict';

const { readFileSync } = require('node:fs');
const { join } = require('node:path');
const { parse } = require('yaml');

const { paths } = parse(readFileSync(join(__dirname, '../docs/openapi.yml'), 'utf8'));

/** Every operation of linkgate's HTTP API, from docs/openapi.yml: the only table of its routes. */
const operations = Object.entries(paths).flatMap(([path, { parameters: _shared, ...methods }]) =>
  Object.entries(methods).map(([method, operation]) => ({
    method: method.toUpperCase(),
    path,
    access: operation['x-linkgate-access'],
  })),
);

const events = operations.map(({ method, path }) => ({
  httpApi: { method, path, authorizer: { type: 'aws_iam' } },
}));

module.exports = { operations, events };
