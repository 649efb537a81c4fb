'use strict';

const { names } = require('./queues.cjs');

/** The URLs of all queues, for who checks them. */
module.exports = () => ({ 'Fn::Join': [',', names.map((name) => ({ Ref: name }))] });
